import socket

import pytest

from telephony.media.ports import MediaPorts, NoFreePort


def test_ports_are_even_and_within_the_range() -> None:
    ports = MediaPorts("127.0.0.1", (36001, 36041))
    sockets = [ports.open_socket() for _ in range(10)]
    numbers = [udp.getsockname()[1] for udp in sockets]
    assert all(36002 <= number <= 36040 and number % 2 == 0 for number in numbers)
    assert len(set(numbers)) == 10
    for udp in sockets:
        ports.release(udp)
    assert ports.in_use == 0


def test_a_port_that_somebody_else_has_is_passed_over() -> None:
    ports = MediaPorts("127.0.0.1", (36100, 36103))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 36100))
        for _ in range(4):
            udp = ports.open_socket()
            assert udp.getsockname()[1] == 36102
            ports.release(udp)


def test_a_range_that_is_used_up_says_so_and_recovers() -> None:
    ports = MediaPorts("127.0.0.1", (36200, 36205))
    sockets = [ports.open_socket() for _ in range(3)]
    with pytest.raises(NoFreePort, match="3 of 3"):
        ports.open_socket()
    ports.release(sockets.pop())
    sockets.append(ports.open_socket())
    for udp in sockets:
        ports.release(udp)
    assert ports.in_use == 0


def test_a_freed_port_rests_while_others_are_free() -> None:
    ports = MediaPorts("127.0.0.1", (36300, 36309))
    numbers = []
    for _ in range(5):
        udp = ports.open_socket()
        numbers.append(udp.getsockname()[1])
        ports.release(udp)
    assert len(set(numbers)) == 5


@pytest.mark.parametrize("bad", [(0, 10), (10, 5), (60000, 65536), (7, 7)])
def test_a_range_without_ports_is_refused(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="RTP ports"):
        MediaPorts("127.0.0.1", bad)


def test_a_host_that_is_not_ours_is_an_error_and_leaks_nothing() -> None:
    ports = MediaPorts("192.0.2.1", (36400, 36410))
    with pytest.raises(OSError, match="assign"):
        ports.open_socket()
    assert ports.in_use == 0
