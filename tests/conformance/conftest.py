"""The suite of SIP behaviours: each test is one, and runs over every driver that declares what it needs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from line_desk import DECLARED, DRIVERS, open_line
from scripted_peer import Leg, digest_is_right

__all__ = ["pytest_pyfunc_call"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "driver" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("behaviour")
        assert marker is not None, f"{metafunc.definition.name} has no behaviour(section)"
        needs = marker.kwargs.get("needs", "")
        able = [name for name in DRIVERS if not needs or getattr(DECLARED[name], needs)]
        metafunc.parametrize("driver", able)


@pytest.fixture
def open_desk(driver: str) -> Any:
    """``async with open_desk() as (desk, pbx)``: one line of the driver whose turn it is (``line_desk.open_line``)."""
    return partial(open_line, driver)


leg_class = pytest.fixture(lambda: Leg, name="leg_class")


@pytest.fixture
def digest_of() -> Any:
    """``digest_of(message, header, username, password)``: whether the credentials in that header are right."""
    return digest_is_right
