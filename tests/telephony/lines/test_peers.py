"""Who may call in, and on which line."""

from __future__ import annotations

import pytest

from telephony.lines.peers import AddressError, HostPort, PeerTable, local_address_towards


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("pbx.example.com", "pbx.example.com", 5060),
        ("192.0.2.1:5080", "192.0.2.1", 5080),
        ("sip:192.0.2.1", "192.0.2.1", 5060),
        ("[2001:db8::1]:5070", "2001:db8::1", 5070),
        ("[2001:db8::1]", "2001:db8::1", 5060),
        ("2001:db8::1", "2001:db8::1", 5060),
        (" host ", "host", 5060),
    ],
)
def test_hosts_are_read_with_and_without_port(text: str, host: str, port: int) -> None:
    assert HostPort.parse(text) == HostPort(host, port)


@pytest.mark.parametrize("text", ["", ":5060", "host:", "host:x", "host:0", "host:70000", "[::1", "[::1]x", "a b"])
def test_what_is_no_host_is_refused(text: str) -> None:
    if text == "host:":
        assert HostPort.parse(text).port == 5060
        return
    with pytest.raises(AddressError):
        HostPort.parse(text)


@pytest.mark.parametrize("peer", ["", "pbx.example.com", "192.0.2.0/33", "192.0.2.256"])
def test_what_is_no_network_is_refused(peer: str) -> None:
    with pytest.raises(AddressError):
        PeerTable().add_networks("a", [peer])


def test_addresses_and_networks_are_known_and_others_are_strangers() -> None:
    table = PeerTable()
    table.add_networks("trunk", ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"])
    for known in ("192.0.2.7", "198.51.100.200", "[2001:db8::5]"):
        assert table.line_for((known, 5060), "") == "trunk"
    for stranger in ("192.0.2.8", "198.51.101.1", "[2001:db9::5]", "not-an-address"):
        assert not table.knows((stranger, 5060))
        assert table.line_for((stranger, 5060), "4001") is None


def test_the_narrowest_network_wins() -> None:
    table = PeerTable()
    table.add_networks("wide", ["10.0.0.0/8"])
    table.add_networks("narrow", ["10.1.0.0/16"])
    assert table.line_for(("10.1.2.3", 5060), "") == "narrow"
    assert table.line_for(("10.2.2.3", 5060), "") == "wide"


def test_of_two_trunks_at_one_address_the_port_of_the_proxy_decides() -> None:
    table = PeerTable()
    table.set_proxy("one", [("192.0.2.1", 5060)])
    table.set_proxy("two", [("192.0.2.1", 5070)])
    assert table.line_for(("192.0.2.1", 5070), "") == "two"
    assert table.line_for(("192.0.2.1", 5060), "") == "one"
    assert table.line_for(("192.0.2.1", 49152), "") == "one"


def test_a_registered_contact_user_decides_before_all_else_but_never_for_a_stranger() -> None:
    table = PeerTable()
    table.add_networks("trunk", ["192.0.2.0/24"])
    table.set_proxy("registered", [("192.0.2.1", 5060)])
    table.set_user("registered", "1001")
    assert table.line_for(("192.0.2.1", 40000), "1001") == "registered"
    assert table.line_for(("192.0.2.9", 5060), "1001") == "trunk"
    assert table.line_for(("203.0.113.1", 5060), "1001") is None


def test_the_local_address_towards_loopback_is_loopback() -> None:
    assert local_address_towards("127.0.0.1") == "127.0.0.1"
