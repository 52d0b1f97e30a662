"""Which addresses may send us SIP, and which line they belong to."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

DEFAULT_SIP_PORT = 5060
#: addresses whose lines are remembered, strangers' included
_MAX_REMEMBERED = 10_000


class AddressError(ValueError):
    """A host, port or network in the settings cannot be understood."""


@dataclass(frozen=True, slots=True)
class HostPort:
    host: str
    port: int = DEFAULT_SIP_PORT

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_SIP_PORT) -> HostPort:
        """Read ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; a leading ``sip:`` is passed over.

        Raises ``AddressError`` for an empty host or a port outside 1 to 65535.
        """
        rest = text.strip()
        if rest.lower().startswith("sip:"):
            rest = rest[4:]
        if rest.startswith("["):
            host, bracket, tail = rest[1:].partition("]")
            if not bracket or (tail and not tail.startswith(":")):
                raise AddressError(f"not an address: {text!r}")
            port = tail[1:]
        elif rest.count(":") > 1:
            host, port = rest, ""
        else:
            host, _, port = rest.partition(":")
        if not host or any(character.isspace() for character in host):
            raise AddressError(f"not an address: {text!r}")
        if not port:
            return cls(host, default_port)
        if not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
            raise AddressError(f"not a port: {text!r}")
        return cls(host, int(port))


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """An address or CIDR network. Raises ``AddressError``."""
    try:
        return ip_network(text.strip().strip("[]"), strict=False)
    except ValueError as error:
        raise AddressError(f"not an address or network: {text!r}") from error


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def local_address_towards(host: str) -> str:
    """The local address that packets to the IP address ``host`` leave from; no packet is sent."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host.strip("[]"), 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])


@dataclass(slots=True)
class PeerTable:
    """Networks that belong to lines. Names are resolved elsewhere and put in with ``set_proxy``."""

    _networks: list[tuple[IPv4Network | IPv6Network, str]] = field(default_factory=list)
    _proxies: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    _users: dict[str, str] = field(default_factory=dict)
    _known: dict[str, list[str]] = field(default_factory=dict)

    def add_networks(self, line: str, peers: Iterable[str]) -> None:
        """Raises ``AddressError`` for what is neither an address nor a network."""
        self._networks += [(parse_network(peer), line) for peer in peers]
        self._known.clear()

    def set_proxy(self, line: str, addresses: Iterable[tuple[str, int]]) -> None:
        self._proxies[line] = set(addresses)
        self._known.clear()

    def set_user(self, line: str, user: str) -> None:
        """``user`` is the user part that ``line`` registered as its contact."""
        self._users[line] = user

    def knows(self, source: tuple[str, int]) -> bool:
        return bool(self._candidates(source))

    def line_for(self, source: tuple[str, int], user: str) -> str | None:
        """The line that a request from ``source`` to Request-URI user ``user`` belongs to; None for a stranger.

        Of several candidates: the one registered as ``user``, then the one whose proxy is exactly that address and
        port, then the narrowest network, then the order of the settings.
        """
        candidates = self._candidates(source)
        if not candidates:
            return None
        for name in candidates:
            if user and self._users.get(name) == user:
                return name
        for name in candidates:
            if source in self._proxies.get(name, ()):
                return name
        return candidates[0]

    def _candidates(self, source: tuple[str, int]) -> list[str]:
        host = source[0]
        if host not in self._known:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[host] = self._look_up(host)
        return self._known[host]

    def _look_up(self, source_host: str) -> list[str]:
        try:
            address = ip_address(source_host.strip("[]"))
        except ValueError:
            return []
        found = [
            (network.prefixlen, line)
            for network, line in self._networks
            if network.version == address.version and address in network
        ]
        for line, addresses in self._proxies.items():
            if any(host == source_host for host, _ in addresses):
                found.append((address.max_prefixlen, line))
        found.sort(key=lambda item: -item[0])
        return list(dict.fromkeys(line for _, line in found))
