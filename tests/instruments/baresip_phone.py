"""A real baresip, without a sound card: it says a tone (or a file), keeps what it hears, and obeys over ctrl_tcp."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tones import RATE, Heard, hear_wav, write_tone

MODULES = Path("/usr/lib/baresip/modules")
#: so often other ports are tried when somebody takes one between its choice and baresip's start
ATTEMPTS = 5


def free_port() -> int:
    """An even UDP port on loopback that is free together with its TCP twin and the next one (baresip's TLS)."""
    for _ in range(200):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            if port % 2 or port > 65000:
                continue
            try:
                for other in (port, port + 1):
                    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                        tcp.bind(("127.0.0.1", other))
            except OSError:
                continue
            return int(port)
    raise RuntimeError("no free port pair on loopback")


class PortTaken(OSError):
    """Somebody else has one of the ports by now."""


class Baresip:
    """One baresip process. ``uri`` is where it is reached; events are the maps that its ctrl_tcp module sends."""

    def __init__(
        self, folder: Path, source: Path, user: str, account: str, answer: str, codecs: str, more: str, port: int = 0
    ) -> None:
        self.folder, self.user = folder, user
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._tokens = 0
        for attempt in range(1, ATTEMPTS + 1):
            self.port, control = port or free_port(), free_port()
            self.uri = f"sip:{user}@127.0.0.1:{self.port}"
            self._configure(source, control, account, f";audio_codecs={codecs};answermode={answer}{more}")
            try:
                self._start()
                break
            except PortTaken:
                if attempt == ATTEMPTS:
                    raise
        self._socket = socket.create_connection(("127.0.0.1", control), 5)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _configure(self, source: Path, control: int, account: str, parameters: str) -> None:
        media = free_port()
        (self.folder / "config").write_text(
            "\n".join(
                [
                    f"sip_listen 127.0.0.1:{self.port}",
                    "net_interface 127.0.0.1",
                    f"rtp_ports {media}-{media + 20}",
                    f"audio_source aufile,{source}",
                    "audio_player aubridge,nobody",
                    "audio_alert aubridge,bell",
                    f"ctrl_tcp_listen 127.0.0.1:{control}",
                    f"snd_path {self.folder}",
                    f"module_path {MODULES}",
                    *(f"module {name}.so" for name in ("g711", "aufile", "aubridge", "sndfile")),
                    *(f"module_tmp {name}.so" for name in ("uuid", "account")),
                    *(f"module_app {name}.so" for name in ("menu", "ctrl_tcp")),
                    *(f"{sound}_aufile none" for sound in ("ring", "ringback", "callwaiting", "busy", "error")),
                    "notfound_aufile none",
                    "",
                ]
            )
        )
        account = account or f"<{self.uri}>;regint=0"
        (self.folder / "accounts").write_text(f"{account}{parameters}\n")

    def _start(self) -> None:
        """Raises PortTaken."""
        self._log = (self.folder / "baresip.log").open("wb")
        self._process = subprocess.Popen(
            ["baresip", "-4", "-s", "-f", str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 15
        while self._process.poll() is None and "baresip is ready" not in self.log():
            assert time.monotonic() < deadline, f"baresip did not start:\n{self.log()}"
            time.sleep(0.02)
        # without its control port it goes on, and somebody else would get our orders
        if "Address already in use" in self.log():
            self._end()
            raise PortTaken(self.log())
        assert self._process.poll() is None, f"baresip ended:\n{self.log()}"

    # -- orders

    def dial(self, uri: str) -> None:
        self.order("dial", uri)

    def accept(self) -> None:
        self.order("accept")

    def hang_up(self) -> None:
        self.order("hangup")

    def hold(self) -> None:
        self.order("hold")

    def resume(self) -> None:
        self.order("resume")

    def digits(self, digits: str) -> None:
        """RFC 4733 events, one after the other."""
        for digit in digits:
            self.order("sndcode", digit)

    def order(self, command: str, params: str = "") -> None:
        """One ctrl_tcp command; raises ``AssertionError`` when baresip refuses it."""
        self._tokens += 1
        token = str(self._tokens)
        body = json.dumps({"command": command, "params": params, "token": token}).encode()
        self._socket.sendall(b"%d:%s," % (len(body), body))
        reply = self._await(lambda event: event.get("response") is True and event.get("token") == token, 10.0)
        assert reply is not None, f"no reply to {command}"
        assert reply["ok"], f"{command} {params}: {reply}"

    # -- what happened

    def wait_for(self, kind: str, timeout: float = 15.0, after: int = 0) -> dict[str, Any]:
        """The first event of this type, such as ``CALL_INCOMING``; ``after`` skips so many events."""
        event = self._await(lambda event: event.get("type") == kind, timeout, after)
        assert event is not None, f"no {kind} within {timeout} s; log:\n{self.log()[-4000:]}"
        return event

    def listen(self, seconds: float, timeout: float = 20.0) -> None:
        """Wait until the running call has kept so much of what came in."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            dumps = sorted(self.folder.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime_ns)
            if dumps and dumps[-1].stat().st_size >= seconds * RATE * 2:
                return
            time.sleep(0.05)
        raise AssertionError(f"less than {seconds} s of sound came in within {timeout} s; log:\n{self.log()[-4000:]}")

    def heard(self, edge: float = 0.4) -> Heard:
        """What came in during the last call, without ``edge`` seconds at both ends. Only after that call is over."""
        return hear_wav(self._last("dec"), edge)

    def said(self) -> Heard:
        """What went out during the last call. Only after that call is over."""
        return hear_wav(self._last("enc"))

    def log(self) -> str:
        """baresip's output with its SIP trace."""
        return (self.folder / "baresip.log").read_text(errors="replace")

    def close(self) -> None:
        self._end()
        self._socket.close()
        self._reader.join(5)

    # -- inside

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._log.close()

    def _last(self, direction: str) -> Path:
        dumps = sorted(self.folder.glob(f"dump-*-{direction}.wav"), key=lambda path: path.stat().st_mtime_ns)
        assert dumps, f"no sound was kept; log:\n{self.log()[-4000:]}"
        return dumps[-1]

    def _read(self) -> None:
        data = b""
        self._socket.settimeout(None)
        while True:
            try:
                more = self._socket.recv(65536)
            except OSError:
                more = b""
            if not more:
                return
            data += more
            while b":" in data:
                length, _, rest = data.partition(b":")
                size = int(length)
                if len(rest) < size + 1:
                    break
                with self._changed:
                    self.events.append(json.loads(rest[:size]))
                    self._changed.notify_all()
                data = rest[size + 1 :]

    def _await(self, wanted: Callable[[dict[str, Any]], bool], timeout: float, after: int = 0) -> dict[str, Any] | None:
        def find() -> dict[str, Any] | None:
            return next((event for event in self.events[after:] if wanted(event)), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()


@pytest.fixture
def baresip(tmp_path: Path) -> Iterator[Callable[..., Baresip]]:
    """Starts phones: ``baresip("alice", tone=(440, -12))``; all are stopped at the end.

    ``answer``: ``manual`` or ``auto``. ``account``: a whole account line in place of the unregistered one, such as
    ``<sip:alice@127.0.0.1:5060>;auth_pass=secret;regint=60``. ``source``: a WAV file in place of the tone.
    ``more``: further account parameters, such as ``;dtmfmode=info``. ``port``: its SIP port.
    """
    assert shutil.which("baresip"), "baresip is not installed: apt-get install baresip"
    phones: list[Baresip] = []

    def start(
        user: str = "phone",
        tone: tuple[float, float] = (440.0, -12.0),
        answer: str = "manual",
        account: str = "",
        source: Path | None = None,
        codecs: str = "PCMA/8000/1",
        more: str = "",
        port: int = 0,
    ) -> Baresip:
        folder = tmp_path / f"baresip-{user}-{len(phones)}"
        folder.mkdir()
        if source is None:
            source = folder / "tone.wav"
            write_tone(source, *tone)
        phone = Baresip(folder, source, user, account, answer, codecs, more, port)
        phones.append(phone)
        return phone

    yield start
    for phone in phones:
        phone.close()
