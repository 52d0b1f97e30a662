from telephony.media.latch import RELATCH_SILENCE, Latch

HOST = "192.0.2.10"


def latch() -> Latch:
    one = Latch()
    one.expect(HOST, 4000)
    return one


def test_before_anything_comes_we_send_to_the_negotiated_address() -> None:
    assert latch().address == (HOST, 4000)


def test_the_first_packet_from_another_port_of_the_host_latches() -> None:
    one = latch()
    assert one.accept((HOST, 5555), 1, 0)
    assert one.address == (HOST, 5555)


def test_another_host_is_refused_and_counted_whatever_it_sends() -> None:
    one = latch()
    assert not one.accept(("192.0.2.66", 4000), 1, 0)
    assert one.accept((HOST, 4000), 1, 0)
    assert not one.accept(("192.0.2.66", 4000), 1, 10 * RELATCH_SILENCE)
    assert one.foreign == 2
    assert one.address == (HOST, 4000)


def test_nothing_is_taken_before_a_peer_was_negotiated() -> None:
    one = Latch()
    assert not one.accept((HOST, 4000), 1, 0)
    assert one.foreign == 1


def test_another_port_takes_over_only_after_the_latched_one_is_silent() -> None:
    one = latch()
    one.accept((HOST, 4000), 1, 0)
    assert not one.accept((HOST, 4002), 2, RELATCH_SILENCE - 1)
    assert one.address == (HOST, 4000)
    assert one.accept((HOST, 4002), 2, RELATCH_SILENCE)
    assert one.address == (HOST, 4002)


def test_the_same_source_behind_a_nat_that_bound_it_anew_takes_over_at_once() -> None:
    one = latch()
    one.accept((HOST, 4000), 77, 0)
    assert one.accept((HOST, 4100), 77, 1)
    assert one.address == (HOST, 4100)


def test_the_same_address_negotiated_again_keeps_the_latch() -> None:
    one = latch()
    one.accept((HOST, 5555), 1, 0)
    one.expect(HOST, 4000)
    assert one.address == (HOST, 5555)


def test_a_new_address_negotiated_in_mid_call_starts_over() -> None:
    one = latch()
    one.accept((HOST, 5555), 1, 0)
    one.expect("192.0.2.20", 6000)
    assert one.address == ("192.0.2.20", 6000)
    assert not one.accept((HOST, 5555), 1, 1)
    assert one.accept(("192.0.2.20", 6000), 2, 2)
