import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.media.token import InvalidToken, sign, verify

SECRET = "of the tests"


def test_what_was_signed_is_verified() -> None:
    claims = verify(SECRET, sign(SECRET, "agent1", "console-7"))
    assert (claims.agent, claims.console) == ("agent1", "console-7")


def test_names_of_any_script_pass() -> None:
    assert verify(SECRET, sign(SECRET, "坐席一", "")).agent == "坐席一"


def test_another_secret_does_not_verify() -> None:
    with pytest.raises(InvalidToken, match="signature"):
        verify("another", sign(SECRET, "agent1", "c"))


def test_a_token_expires() -> None:
    token = sign(SECRET, "agent1", "c")
    claims = verify(SECRET, token)
    verify(SECRET, token, now=claims.exp)
    with pytest.raises(InvalidToken, match="expired"):
        verify(SECRET, token, now=claims.exp + 0.1)


@pytest.mark.parametrize(("step", "why"), [(3600.0, "expired"), (-3600.0, "future")])
def test_a_clock_that_is_set_an_hour_on_or_back_makes_a_token_no_good_and_a_new_one_good(step: float, why: str) -> None:
    token = sign(SECRET, "agent1", "c")
    stepped = verify(SECRET, token).iat + step
    with pytest.raises(InvalidToken, match=why):
        verify(SECRET, token, now=stepped)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: stepped)
        assert verify(SECRET, sign(SECRET, "agent1", "c")).agent == "agent1"


def test_clocks_a_little_apart_do_no_harm() -> None:
    token = sign(SECRET, "agent1", "c")
    assert verify(SECRET, token, now=verify(SECRET, token).iat - 20).agent == "agent1"


def test_changed_claims_do_not_verify() -> None:
    token = sign(SECRET, "agent1", "c")
    body, mac = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["agent"] = "agent2"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken, match="signature"):
        verify(SECRET, f"{forged}.{mac}")


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,44}", fullmatch=True))
def test_anything_else_is_no_token(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(SECRET, token)


def test_without_a_secret_nothing_is_signed_or_verified() -> None:
    with pytest.raises(ValueError, match="secret"):
        sign("", "agent1", "c")
    with pytest.raises(InvalidToken):
        verify("", sign("x", "agent1", "c"))
