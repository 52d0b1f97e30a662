"""Kamailio for the tests of this folder."""

from coroutine_tests import pytest_pyfunc_call
from kamailio_registrar import kamailio

__all__ = ["kamailio", "pytest_pyfunc_call"]
