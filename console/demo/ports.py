"""Finds ports that are taken before anything is started, and says so in words that help."""

from __future__ import annotations

import socket


class PortTakenError(Exception):
    """The text names the port and how to choose another."""


def is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # as the servers do: the remains of closed connections do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def check_free(host: str, port: int, kind: socket.SocketKind, purpose: str, variable: str) -> None:
    """Raises :class:`PortTakenError`. ``variable`` is the name that ``make run`` knows the port by."""
    if not is_free(host, port, kind):
        protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
        raise PortTakenError(
            f"{protocol} port {port} ({purpose}) is taken by another program; "
            f"choose another: make run {variable}=PORT, or sansheng demo --{variable.lower().replace('_', '-')} PORT"
        )


def next_free_udp(host: str, first: int) -> int:
    """The first free UDP port from ``first`` on; raises :class:`PortTakenError` after a hundred."""
    for port in range(first, min(first + 100, 65536)):
        if is_free(host, port, socket.SOCK_DGRAM):
            return port
    raise PortTakenError(f"no free UDP port from {first} on for the simulated patients")


def patients_from(sip_port: int) -> int:
    """Where the search for the simulated patients' port begins: near the product's, above it where there is room."""
    return sip_port + 10 if sip_port < 65400 else sip_port - 200
