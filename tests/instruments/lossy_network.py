"""A bad network on loopback: a UDP relay that loses, delays, doubles and reorders datagrams, or is gone for a while.

tc netem does not exist in every kernel, so the network is a relay of our own. It stands between a peer and the desk
with a socket toward each; whatever a peer says of itself (Via, Contact, SDP) must name the socket toward the desk.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances from 0 to 1; ``delay`` and ``jitter`` in seconds (delay, plus an even draw up to jitter)."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0


CLEAR = Weather()


@dataclass(slots=True)
class Count:
    """What became of the datagrams of one direction."""

    seen: int = 0
    lost: int = 0
    doubled: int = 0
    overtaken: int = 0
    highest: int = -1


@dataclass(slots=True)
class LossyNetwork:
    """Use ``lossy_network(...)``. ``weather`` may be changed at any time; ``dark`` loses everything."""

    weather: Weather
    random: random.Random
    peer: Address | None
    desk: Address | None
    dark: bool = False
    to_desk: Count = field(default_factory=Count)
    to_peer: Count = field(default_factory=Count)
    _peer_side: asyncio.DatagramTransport | None = None
    _desk_side: asyncio.DatagramTransport | None = None

    @property
    def port_for_peer(self) -> int:
        """What the peer sends to instead of the desk."""
        return _port(self._peer_side)

    @property
    def port_for_desk(self) -> int:
        """What the desk is to send to instead of the peer."""
        return _port(self._desk_side)

    def from_peer(self, data: bytes, source: Address) -> None:
        self.peer = source
        if self.desk is not None:
            self._pass(data, self._desk_side, self.desk, self.to_desk)

    def from_desk(self, data: bytes, source: Address) -> None:
        if self.desk is None:
            self.desk = source
        if self.peer is not None:
            self._pass(data, self._peer_side, self.peer, self.to_peer)

    def _pass(self, data: bytes, out: asyncio.DatagramTransport | None, target: Address, count: Count) -> None:
        number = count.seen
        count.seen += 1
        # every draw is made each time, so that one setting does not shift the dice of another
        lost, doubled, late, again = (self.random.random() for _ in range(4))
        if self.dark or lost < self.weather.loss:
            count.lost += 1
            return
        times = [self.weather.delay + late * self.weather.jitter]
        if doubled < self.weather.duplicate:
            count.doubled += 1
            times.append(self.weather.delay + again * self.weather.jitter)
        for after in times:
            asyncio.get_running_loop().call_later(after, self._deliver, data, out, target, count, number)

    def _deliver(
        self, data: bytes, out: asyncio.DatagramTransport | None, target: Address, count: Count, number: int
    ) -> None:
        if number < count.highest:
            count.overtaken += 1
        count.highest = max(count.highest, number)
        if out is not None and not out.is_closing():
            out.sendto(data, target)


def _port(transport: asyncio.DatagramTransport | None) -> int:
    assert transport is not None
    port: int = transport.get_extra_info("sockname")[1]
    return port


class _Side(asyncio.DatagramProtocol):
    def __init__(self, received: object) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received(data, addr)  # type: ignore[operator]

    def error_received(self, exc: Exception) -> None:
        """ICMP: nobody listens there any more. That is a network too."""


@asynccontextmanager
async def lossy_network(
    weather: Weather = CLEAR, *, seed: int, desk: Address | None = None, peer: Address | None = None
) -> AsyncIterator[LossyNetwork]:
    """Without ``desk`` or ``peer`` each is whoever sends first to its socket."""
    network = LossyNetwork(weather, random.Random(seed), peer, desk)
    loop = asyncio.get_running_loop()
    for name, received in (("_peer_side", network.from_peer), ("_desk_side", network.from_desk)):
        transport, _ = await loop.create_datagram_endpoint(
            lambda received=received: _Side(received), local_addr=("127.0.0.1", 0)
        )
        setattr(network, name, transport)
    try:
        yield network
    finally:
        for transport in (network._peer_side, network._desk_side):
            if transport is not None:
                transport.close()
