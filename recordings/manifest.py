"""The manifest beside each finished recording: what it is, what it was made from, and the proof that it is whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from recordings.gaps import Completeness, Gap
from recordings.verify import Verification

VERSION = 1


class Source(msgspec.Struct, frozen=True):
    """The raw capture that the file was made from. ``unused``: packets by leg that came twice or cannot be decoded."""

    path: str
    sha256: str
    bytes: int
    packets: int
    unused: list[int]
    closed_in_order: bool
    torn_bytes: int
    damaged_bytes: int


class Track(msgspec.Struct, frozen=True):
    """Whose voice a channel holds. ``role`` is the one that the party came in with, ``agent`` a user name or empty."""

    party: int
    role: str
    agent: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are relative to the data folder; times of ``gaps`` are seconds on the recording's clock. ``channels`` names
    the file's channels in their order, ``tracks`` says whose voices they are (empty in old ones: caller and agent)."""

    version: int = VERSION
    call: str
    started_at: float
    path: str
    media_type: str
    codec: str
    bytes: int
    sha256: str
    seconds: float
    sample_rate: int
    channels: list[str]
    tracks: list[Track] = []
    peaks_path: str
    peaks_sha256: str
    gaps: list[Gap]
    completeness: Completeness
    verification: Verification
    source: Source


class ManifestUnreadable(ValueError):
    """Not a manifest of a version that we know."""


def read_manifest(path: Path) -> Manifest:
    """Raises ManifestUnreadable for a damaged file, OSError when it cannot be read."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestUnreadable(f"{path.name}: {error}") from error
    if manifest.version != VERSION:
        raise ManifestUnreadable(f"{path.name}: version {manifest.version}")
    return manifest


def pack_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_durably(path: Path, content: bytes) -> None:
    """Write and fsync; the caller renames."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
