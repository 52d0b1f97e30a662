"""The whole product started for a measurement or a test: its own folder, free ports, a known password."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "a-password-for-measuring"
_TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
node = "phone1"
data = "{data}"
home_area_code = "0571"
[http]
host = "127.0.0.1"
port = {http}
[headset]
port = {headset}
[sip]
host = "127.0.0.1"
port = {sip}
t1 = {sip_t1}
rtp_host = "127.0.0.1"
rtp_ports = [{rtp_low}, {rtp_high}]
[[lines]]
name = "trunk"
mode = "trunk"
peers = ["127.0.0.1"]
proxy = "127.0.0.1:{peer}"
queue = "default"
"""


class ProductFailed(RuntimeError):
    """The product did not start; the text holds the end of its log."""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Product:
    data: Path
    http: int = field(default_factory=free_port)
    headset: int = field(default_factory=free_port)
    sip: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    #: where the trunk's outbound calls go
    peer: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    rtp_ports: tuple[int, int] = (30000, 33999)
    #: seconds, RFC 3261's T1
    sip_t1: float = 0.5
    extra_config: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def config(self) -> Path:
        return self.data / "sansheng.toml"

    @property
    def log(self) -> Path:
        return self.data / "serve.log"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "console.cli", *arguments]

    def write_config(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            CONFIG.format(
                data=self.data,
                http=self.http,
                headset=self.headset,
                sip=self.sip,
                sip_t1=self.sip_t1,
                peer=self.peer,
                rtp_low=self.rtp_ports[0],
                rtp_high=self.rtp_ports[1],
            )
            + self.extra_config
        )

    def start(self, seconds: float = 60) -> None:
        """Raises ProductFailed when it is not healthy in time."""
        if not self.config.exists():
            self.write_config()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--config", str(self.config)),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.healthy():
                return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-3000:]
        self.stop()
        raise ProductFailed(f"the product did not become healthy; its log ends with:\n{tail}")

    def start_phone(self) -> subprocess.Popen[bytes]:
        """The phone process alone; whoever starts it ends it."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
        environment["SANSHENG_CONFIG"] = str(self.config)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "console.serve.phone"],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
            )

    def listening(self) -> bool:
        """Whether the web process takes connections."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.http), 2):
            return True
        return False

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def health(self) -> dict[str, object]:
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
            parsed: dict[str, object] = json.load(answer)
            return parsed

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def processes(self) -> dict[str, int]:
        """The pids of the product's processes by role: serve, phone, web, worker."""
        assert self.process is not None
        found = {"serve": self.process.pid}
        for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                name = Path("/proc", child, "comm").read_text().strip()
                if name.startswith("sansheng-"):
                    found[name.removeprefix("sansheng-")] = int(child)
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """User plus system CPU seconds so far, by role."""
        used = {}
        for role, pid in self.processes().items():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            used[role] = (int(fields[11]) + int(fields[12])) / _TICKS
        return used


@contextlib.contextmanager
def running(product: Product) -> Iterator[Product]:
    product.start()
    try:
        yield product
    finally:
        product.stop()
