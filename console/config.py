"""The whole configuration as frozen records; ``console.config_file.load_config`` reads it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from telephony.lines.peers import AddressError, HostPort
from telephony.settings import LineSettings, PhoneSettings

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
#: 0: not set
PortOrNone = Annotated[int, msgspec.Meta(ge=0, le=65535)]
AreaCode = Annotated[str, msgspec.Meta(pattern=r"^(0\d{2,3})?$")]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


#: line drivers that the phone process knows
DRIVERS = ("sippy", "pyvoip")


class ConfigError(Exception):
    """A setting that cannot be used. The text names the key and, where known, the file and line."""


@dataclass(frozen=True, slots=True)
class HttpConfig:
    host: str = "127.0.0.1"
    port: Port = 8080
    certfile: str = ""
    keyfile: str = ""
    #: more Origins that the console may be opened from, e.g. behind a proxy: ``https://desk.example.cn``
    origins: tuple[str, ...] = ()
    #: proxies whose X-Forwarded-* headers are believed
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)


@dataclass(frozen=True, slots=True)
class SipConfig:
    host: str = "0.0.0.0"
    port: Port = 5060
    public_host: str = ""
    #: seconds; T1 of RFC 3261 §17.1.1.1, which all timeouts of SIP are multiples of
    t1: Seconds = 0.5
    #: hosts of SIP addresses that may be dialled besides the lines' own domains and proxies; ``*``: any
    uri_domains: tuple[str, ...] = ()
    rtp_host: str = "0.0.0.0"
    rtp_ports: tuple[Port, Port] = (20000, 29999)


@dataclass(frozen=True, slots=True)
class HeadsetConfig:
    #: empty: as the console's own ``http.host``
    host: str = ""
    #: 0: the console's port plus one
    port: PortOrNone = 0
    #: what browsers connect to when a proxy stands before it, e.g. ``wss://desk.example.cn/headset``; empty: made
    #: from the console's own address and the headset port
    url: str = ""
    #: seconds that a headset token opens the socket for
    token_seconds: Seconds = 60.0


@dataclass(frozen=True, slots=True)
class SessionConfig:
    #: a session ends so long after its login
    hours: Seconds = 12.0
    #: seconds without a console until its agent is signed out of the floor
    gone_seconds: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class LogConfig:
    #: ``console`` for people, ``json`` for machines
    format: str = "console"
    level: str = "info"


@dataclass(frozen=True, slots=True)
class ScriptTexts:
    """What an agent says: the opening line (D5) and the apology from the fourth ring on (D4)."""

    opening_zh: str = "您好，客户服务中心，请问有什么可以帮您？"
    opening_en: str = "Hello, patient service desk, how may I help you?"
    apology_zh: str = "不好意思，刚才有事走开了，让您久等了。"
    apology_en: str = "I am sorry to have kept you waiting."


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    node: Name = "phone1"
    data: Path = Path("data")
    #: SQLAlchemy URL; empty: SQLite in the data folder
    database_url: str = ""
    #: signs headset tokens; empty: made once and kept in ``DATA/secret``
    secret: str = field(default="", repr=False)
    #: dialling prefix of the hospital's town, with its 0: it completes numbers signalled without one
    home_area_code: AreaCode = ""
    record: bool = True
    http: HttpConfig = HttpConfig()
    sip: SipConfig = SipConfig()
    headset: HeadsetConfig = HeadsetConfig()
    session: SessionConfig = SessionConfig()
    log: LogConfig = LogConfig()
    scripts: ScriptTexts = ScriptTexts()
    #: texts of single lines, by the line's name
    line_scripts: dict[str, ScriptTexts] = field(default_factory=dict)
    lines: tuple[LineSettings, ...] = ()

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{(self.data / 'sansheng.db').absolute()}"

    @property
    def headset_host(self) -> str:
        return self.headset.host or self.http.host

    @property
    def headset_port(self) -> int:
        return self.headset.port or self.http.port + 1

    @property
    def https(self) -> bool:
        return bool(self.http.certfile)

    @property
    def queues(self) -> tuple[str, ...]:
        """Every queue that a line feeds, each once."""
        return tuple(dict.fromkeys(line.queue for line in self.lines)) or ("default",)

    def phone(self) -> PhoneSettings:
        """What the phone process is told."""
        return PhoneSettings(
            node=self.node,
            data=self.data,
            sip_host=self.sip.host,
            sip_port=self.sip.port,
            public_host=self.sip.public_host,
            sip_t1=self.sip.t1,
            uri_domains=self.sip.uri_domains,
            rtp_host=self.sip.rtp_host,
            rtp_ports=self.sip.rtp_ports,
            headset_host=self.headset_host,
            headset_port=self.headset_port,
            certfile=self.http.certfile,
            keyfile=self.http.keyfile,
            headset_origins=(),
            secret=self.secret,
            home_area_code=self.home_area_code,
            lines=self.lines,
            record=self.record,
        )


def check(config: ConsoleConfig) -> None:
    """What the types alone cannot say. Raises ConfigError whose text starts with the key."""
    low, high = config.sip.rtp_ports
    if high - low < 3:
        raise ConfigError(f"sip.rtp_ports: {low}-{high} has no room for a call")
    if not 0.05 <= config.sip.t1 <= 4:
        raise ConfigError(f"sip.t1: {config.sip.t1:g} s is not between 0.05 and 4")
    for domain in config.sip.uri_domains:
        try:
            HostPort.parse(domain)
        except AddressError as problem:
            raise ConfigError(f"sip.uri_domains: {domain!r} is not a host: {problem}") from None
    if config.headset_port > 65535:
        raise ConfigError("headset.port: http.port plus one is not a port; set it")
    if config.headset_port == config.http.port:
        raise ConfigError("headset.port: is the same as http.port")
    if bool(config.http.certfile) != bool(config.http.keyfile):
        raise ConfigError("http.certfile: certfile and keyfile go together")
    for key in ("certfile", "keyfile"):
        path = getattr(config.http, key)
        if path and not Path(path).is_file():
            raise ConfigError(f"http.{key}: there is no file {path}")
    if config.log.format not in ("console", "json"):
        raise ConfigError(f"log.format: is {config.log.format!r}, should be console or json")
    if config.log.level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f"log.level: is {config.log.level!r}, should be debug, info, warning or error")
    if config.headset.url and not config.headset.url.startswith(("ws://", "wss://")):
        raise ConfigError("headset.url: should start with ws:// or wss://")
    if config.secret and len(config.secret) < 16:
        raise ConfigError("secret: is shorter than 16 characters")
    seen: set[str] = set()
    for index, line in enumerate(config.lines):
        check_line(f"lines[{index}]", line)
        if line.name in seen:
            raise ConfigError(f"lines[{index}].name: there are two lines called {line.name!r}")
        seen.add(line.name)
    check_pyvoip(config)
    for name in config.line_scripts:
        if name not in seen:
            raise ConfigError(f"line_scripts.{name}: there is no line called {name!r}")


def check_pyvoip(config: ConsoleConfig) -> None:
    """What the pyVoIP driver cannot do."""
    several = False
    for index, line in enumerate(config.lines):
        if line.driver != "pyvoip":
            continue
        if several:
            raise ConfigError(f"lines[{index}].driver: pyvoip serves one line only; use sippy for the others")
        if line.mode != "register":
            raise ConfigError(f"lines[{index}].mode: should be register with driver = pyvoip")
        if ":" in config.sip.host:
            raise ConfigError(f"lines[{index}].driver: pyvoip speaks IPv4 only, sip.host is {config.sip.host}")
        if len(config.lines) > 1 and config.sip.port == 65535:
            raise ConfigError("sip.port: the line with driver = pyvoip needs the next port")
        several = True


def check_line(key: str, line: LineSettings) -> None:
    if not line.name.strip():
        raise ConfigError(f"{key}.name: is empty")
    if not line.name.isprintable() or len(line.name) > 64:
        raise ConfigError(f"{key}.name: should be at most 64 characters on one line")
    if line.mode not in ("trunk", "register"):
        raise ConfigError(f"{key}.mode: is {line.mode!r}, should be trunk or register")
    if line.driver not in DRIVERS:
        raise ConfigError(f"{key}.driver: is {line.driver!r}, should be {' or '.join(DRIVERS)}")
    if line.transfer not in ("refer", "bridge"):
        raise ConfigError(f"{key}.transfer: is {line.transfer!r}, should be refer or bridge")
    if line.mode == "register" and not (line.proxy and line.username):
        raise ConfigError(f"{key}.proxy: a line that registers needs proxy and username")
    if line.mode == "trunk" and not (line.peers or line.proxy):
        raise ConfigError(f"{key}.peers: a trunk needs peers (who may call in) or a proxy (where calls go)")
    if line.proxy:
        try:
            HostPort.parse(line.proxy)
        except AddressError as problem:
            raise ConfigError(f"{key}.proxy: should be host or host:port: {problem}") from None
    for peer in line.peers:
        try:
            ipaddress.ip_network(peer, strict=False)
        except ValueError:
            raise ConfigError(f"{key}.peers: {peer!r} is neither an address nor a network") from None
    unknown = set(line.codecs) - {"PCMA", "PCMU"}
    if unknown or not line.codecs:
        raise ConfigError(f"{key}.codecs: takes PCMA and PCMU, is {list(line.codecs)}")
    if line.expires < 30:
        raise ConfigError(f"{key}.expires: {line.expires} s is too short (30 s at least)")
