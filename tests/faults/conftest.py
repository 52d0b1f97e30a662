"""The running product under faults: networks that lose, processes that die, pages that freeze."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from baresip_phone import baresip
from browser_desk import open_desk
from cheap_passwords import cheap_passwords
from coroutine_tests import pytest_pyfunc_call
from fair_figures import fair
from product_house import House, start_house

__all__ = ["baresip", "cheap_passwords", "fair", "open_desk", "pytest_pyfunc_call", "start_house"]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure, seen without asking for it."""

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}", flush=True)

    return tell


@pytest.fixture(scope="session")
def running_house(start_house: Callable[..., House]) -> House:
    return start_house("faults", (36600, 36999))


@pytest.fixture
def house(running_house: House) -> Iterator[House]:
    """The product that these tests share. Nothing that happens to it may end in a defect."""
    yield running_house
    left = running_house.product.log.read_text(errors="replace")
    assert "Traceback" not in left[getattr(running_house, "seen", 0) :], left[-4000:]
    running_house.seen = len(left)  # type: ignore[attr-defined]


@pytest.fixture
def kill(house: Any) -> Callable[[str], int]:
    """``kill(role)``: SIGKILL to a process of the product; gives its pid."""

    def now(role: str) -> int:
        pid: int = house.product.processes()[role]
        os.kill(pid, 9)
        return pid

    return now
