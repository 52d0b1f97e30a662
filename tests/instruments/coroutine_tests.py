"""Coroutine tests: each on a loop of its own, bounded in time. A conftest imports the hook.

A test that needs longer than ``SECONDS`` has its own bound as an attribute, ``seconds``.
"""

from __future__ import annotations

import asyncio
import inspect

import pytest

SECONDS = 180


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def bounded() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), getattr(pyfuncitem.obj, "seconds", SECONDS))

    asyncio.run(bounded())
    return True
