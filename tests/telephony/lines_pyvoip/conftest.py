"""The pyVoIP driver under test on loopback: a registered line, a scripted PBX, a core that keeps what it reports."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from line_desk import open_line
from scripted_peer import Leg, digest_is_right

__all__ = ["pytest_pyfunc_call"]


@pytest.fixture
def open_desk() -> Any:
    """``async with open_desk() as (desk, pbx)``: one line, registered unless ``up=False``; ``prepare(pbx)`` before."""
    return partial(open_line, "pyvoip")


leg_class = pytest.fixture(lambda: Leg, name="leg_class")


@pytest.fixture
def digest_of() -> Any:
    """``digest_of(message, header, username, password)``: whether the credentials in that header are right."""
    return digest_is_right
