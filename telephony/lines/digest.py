"""HTTP digest credentials for SIP (RFC 3261 §22, RFC 7616, RFC 8760): read a challenge, answer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5, sha256
from hashlib import new as new_hash
from secrets import token_hex

_PARAMETER = re.compile(r'\s*([A-Za-z0-9_.-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]*)\s*(?:,|$)')


def _sha512_256(octets: bytes) -> str:
    return new_hash("sha512_256", octets).hexdigest()


def _md5(octets: bytes) -> str:
    return md5(octets, usedforsecurity=False).hexdigest()


def _sha256(octets: bytes) -> str:
    return sha256(octets).hexdigest()


_HASHES: dict[str, Callable[[bytes], str]] = {"MD5": _md5, "SHA-256": _sha256, "SHA-512-256": _sha512_256}


class ChallengeError(ValueError):
    """The challenge is not one that we can answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Challenge:
    realm: str
    nonce: str
    algorithm: str = "MD5"
    opaque: str | None = None
    qop: str | None = None
    stale: bool = False
    #: the server named its algorithm, so that the answer must name it too
    names_algorithm: bool = False

    @classmethod
    def parse(cls, text: str) -> Challenge:
        """Read the value of one WWW-Authenticate or Proxy-Authenticate header. Raises ``ChallengeError``."""
        scheme, _, rest = text.strip().partition(" ")
        if scheme.lower() != "digest":
            raise ChallengeError(f"not a digest challenge: {scheme[:20]!r}")
        parameters = {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(rest)}
        if "realm" not in parameters or "nonce" not in parameters:
            raise ChallengeError("the challenge has no realm or no nonce")
        algorithm = parameters.get("algorithm", "MD5").upper()
        if algorithm.removesuffix("-SESS") not in _HASHES:
            raise ChallengeError(f"digest algorithm {algorithm[:20]} is not known")
        offered = [token.strip().lower() for token in parameters["qop"].split(",")] if "qop" in parameters else []
        qop = next((token for token in ("auth", "auth-int") if token in offered), None)
        if offered and qop is None:
            raise ChallengeError(f"no known quality of protection in {parameters['qop'][:40]!r}")
        return cls(
            realm=parameters["realm"],
            nonce=parameters["nonce"],
            algorithm=algorithm,
            opaque=parameters.get("opaque"),
            qop=qop,
            stale=parameters.get("stale", "").lower() == "true",
            names_algorithm="algorithm" in parameters,
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str

    def answer(
        self, challenge: Challenge, method: str, uri: str, body: bytes = b"", count: int = 1, cnonce: str = ""
    ) -> str:
        """The value of the Authorization header. ``count`` counts the requests sent with this nonce from 1."""
        algorithm = challenge.algorithm
        digest = _HASHES[algorithm.removesuffix("-SESS")]
        cnonce = cnonce or token_hex(8)
        secret = digest(f"{self.username}:{challenge.realm}:{self.password}".encode())
        if algorithm.endswith("-SESS"):
            secret = digest(f"{secret}:{challenge.nonce}:{cnonce}".encode())
        entity = f"{method}:{uri}"
        if challenge.qop == "auth-int":
            entity += f":{digest(body)}"
        hashed_entity = digest(entity.encode())
        middle = f"{challenge.nonce}:{count:08x}:{cnonce}:{challenge.qop}" if challenge.qop else challenge.nonce
        response = digest(f"{secret}:{middle}:{hashed_entity}".encode())
        parts = [
            f'username="{_quoted(self.username)}"',
            f'realm="{_quoted(challenge.realm)}"',
            f'nonce="{_quoted(challenge.nonce)}"',
            f'uri="{uri}"',
            f'response="{response}"',
        ]
        if challenge.names_algorithm:
            parts.append(f"algorithm={algorithm.replace('-SESS', '-sess')}")
        if challenge.qop or algorithm.endswith("-SESS"):
            parts.append(f'cnonce="{cnonce}"')
        if challenge.qop:
            parts += [f"qop={challenge.qop}", f"nc={count:08x}"]
        if challenge.opaque is not None:
            parts.append(f'opaque="{_quoted(challenge.opaque)}"')
        return "Digest " + ", ".join(parts)


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
