"""Digest credentials against the worked examples of RFC 7616 §3.9 and RFC 2617 §3.5."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.lines.digest import Challenge, ChallengeError, Credentials

MUFASA = Credentials("Mufasa", "Circle of Life")


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_come_out(algorithm: str, response: str) -> None:
    challenge = Challenge.parse(
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    answer = MUFASA.answer(challenge, "GET", "/dir/index.html", cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    assert f'response="{response}"' in answer
    assert "qop=auth, nc=00000001" in answer
    assert f"algorithm={algorithm}" in answer


def test_a_challenge_without_qop_is_answered_the_old_way() -> None:
    # RFC 2069's example with the erratum's figure
    challenge = Challenge.parse('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    answer = Credentials("Mufasa", "CircleOfLife").answer(challenge, "GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in answer
    assert "qop" not in answer
    assert "algorithm" not in answer


def test_names_are_read_in_any_case_and_quotes_may_hold_commas() -> None:
    challenge = Challenge.parse('DIGEST Realm="a, \\"b\\"",NONCE=abc,Algorithm="sha-256",qop=auth,Stale=True')
    assert challenge == Challenge('a, "b"', "abc", "SHA-256", None, "auth", True, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Basic realm=x",
        "Digest",
        'Digest realm="x"',
        'Digest nonce="x"',
        'Digest realm="x", nonce="y", algorithm=ROT13',
        'Digest realm="x", nonce="y", qop="magic"',
    ],
)
def test_a_challenge_that_we_cannot_answer_is_refused(text: str) -> None:
    with pytest.raises(ChallengeError):
        Challenge.parse(text)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    with suppress(ChallengeError):
        MUFASA.answer(Challenge.parse("Digest realm=r, nonce=n, " + text), "INVITE", "sip:x")
