"""The running product, started once for all of these tests; phones around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from baresip_phone import baresip
from cheap_passwords import cheap_passwords
from coroutine_tests import pytest_pyfunc_call
from product_house import House, start_house
from switchboard import switchboard

__all__ = ["baresip", "cheap_passwords", "pytest_pyfunc_call", "start_house", "switchboard"]


@pytest.fixture(scope="session")
def running_house(start_house: Callable[..., House]) -> House:
    # a fifth of the usual timeouts: a lost ACK is given up in 6 s
    return start_house("house", (36000, 36399), sip_t1=0.1)


@pytest.fixture
def house(running_house: House) -> Iterator[House]:
    """The product that these tests share. After a test no call may be left over in it."""
    yield running_house
    left = running_house.product.log.read_text(errors="replace")
    assert "Traceback" not in left[getattr(running_house, "seen", 0) :], left[-4000:]
    running_house.seen = len(left)  # type: ignore[attr-defined]
