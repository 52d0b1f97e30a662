"""What a phone process is told at start: its lines, ports and rules. Built by whoever wires the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LineSettings:
    """One line. ``mode`` is ``trunk`` (peers are known by address) or ``register`` (RFC 3261 §10 with digest)."""

    name: str
    mode: str = "trunk"
    driver: str = "sippy"
    #: host[:port] the INVITE or REGISTER goes to; for a trunk also a peer
    proxy: str = ""
    #: trunk: addresses or networks (CIDR) that may call in
    peers: tuple[str, ...] = ()
    username: str = ""
    auth_username: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    caller_id: str = ""
    expires: int = 300
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    #: how calls go to another number: ``refer`` (the peer is asked to, RFC 3515), or ``bridge`` (we dial and join them)
    transfer: str = "refer"
    #: queue that inbound calls of this line go to
    queue: str = "default"


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    node: str = "phone1"
    data: Path = Path("data")
    sip_host: str = "0.0.0.0"
    sip_port: int = 5060
    #: address written into Contact and SDP; empty: the local address that the peer is reached from
    public_host: str = ""
    #: seconds; T1 of RFC 3261 §17.1.1.1, which all timeouts of SIP are multiples of
    sip_t1: float = 0.5
    #: hosts of SIP URIs that may be dialled besides the lines' own domains and proxies; ``*``: any
    uri_domains: tuple[str, ...] = ()
    rtp_host: str = "0.0.0.0"
    rtp_ports: tuple[int, int] = (20000, 29999)
    headset_host: str = "127.0.0.1"
    headset_port: int = 8081
    certfile: str = ""
    keyfile: str = ""
    #: Origin headers a headset socket may come from; empty: any (the token decides)
    headset_origins: tuple[str, ...] = ()
    #: signs headset tokens; shared with the web process
    secret: str = field(default="", repr=False)
    #: dialling prefix of the house's town, with its 0: completes numbers signalled without one
    home_area_code: str = ""
    lines: tuple[LineSettings, ...] = ()
    record: bool = True

    @property
    def seam_path(self) -> Path:
        return self.data / "run" / "phone.sock"

    @property
    def journal_path(self) -> Path:
        return self.data / "journal"

    @property
    def capture_path(self) -> Path:
        return self.data / "recordings" / "raw"
