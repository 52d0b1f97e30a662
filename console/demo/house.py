"""Runs the demo: ``sansheng serve`` with the demo's configuration, and the simulated patients beside it."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from console.config import ConfigError, ConsoleConfig
from console.config_file import load_config
from console.demo.children import Child, patients_command, serve_command
from console.demo.configuration import LOOPBACK, write_configuration
from console.demo.database import caller_numbers, prepare_database
from console.demo.first_calls import CALLS, FirstCalls, wanted
from console.demo.password import demo_password
from console.demo.ports import PortTakenError, check_free, next_free_udp, patients_from
from console.serve.preflight import CannotStart, lock_data
from console.serve.preflight import prepare_database as migrate
from storage.users import User, UserError

#: a slow machine's first start, with the migration behind it
HEALTHY_WITHIN = 120.0

ROLES = {
    "agent": "answers calls",
    "reviewer": "hears and scores drawn recordings",
    "supervisor": "watches the floor",
    "admin": "users, lines and rules",
}


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """SIGINT, SIGTERM or SIGHUP came."""


def run(args: argparse.Namespace) -> int:
    """The ``demo`` command; ends with a signal (0) or with the product (its exit code)."""
    for name in SIGNALS:
        signal.signal(name, _stop)
    try:
        return _run(args)
    except (PortTakenError, CannotStart, ConfigError, UserError, OSError) as problem:
        print(f"sansheng demo: {problem}", file=sys.stderr)
        return 1
    except Stopped:
        return 0


def _run(args: argparse.Namespace) -> int:
    data: Path = args.data
    data.mkdir(parents=True, exist_ok=True)
    # a running product keeps its configuration and its passwords
    lock_data(ConsoleConfig(data=data)).close()
    patients_port = next_free_udp(LOOPBACK, patients_from(args.sip_port))
    headset = args.headset_port or args.http_port + 1
    config_path = write_configuration(data, args.http_port, headset, args.sip_port, patients_port)
    # SANSHENG_* variables count here as they do for serve
    config = load_config(config_path)
    lock_data(config).close()
    check_free(config.http.host, config.http.port, socket.SOCK_STREAM, "console", "HTTP_PORT")
    check_free(config.headset_host, config.headset_port, socket.SOCK_STREAM, "headsets", "HEADSET_PORT")
    check_free(config.sip.host, config.sip.port, socket.SOCK_DGRAM, "SIP", "SIP_PORT")
    migrate(config)
    password, kept = demo_password(data)
    loaded = prepare_database(config, password, args.patients)
    if loaded.added:
        print(f"{loaded.added} invented patients loaded")

    serve = Child("the product", serve_command(config_path), with_parent=True)
    children = [serve]
    first: FirstCalls | None = None
    try:
        _await_health(config, serve)
        _say_where(config, loaded.users, password, kept, args.callers)
        sip = (config.sip.host, config.sip.port)
        # an empty log is filled with a few calls that an automatic agent takes
        first = FirstCalls(config, address(config)) if args.callers and wanted(config) else None
        patients = Child(
            "the simulated patients",
            patients_command(
                sip,
                (LOOPBACK, patients_port),
                caller_numbers(),
                args.callers,
                args.call_every,
                opening=CALLS if first else 0,
            ),
            with_parent=True,
        )
        children.append(patients)
        return _watch(serve, patients, first)
    finally:
        # make and a shell's timeout pass one signal on twice: the second must not leave children behind
        for name in SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        if first is not None:
            first.stop()
        for child in reversed(children):
            child.stop()


def _watch(serve: Child, patients: Child, first: FirstCalls | None) -> int:
    """Until the product ends. The patients may end; the product goes on without them."""
    gone = False
    while True:
        code = serve.wait(1.0)
        if code is not None:
            print(f"sansheng demo: the product ended with exit code {code}", file=sys.stderr)
            return code
        if first is not None:
            first.tick()
        if not gone and patients.poll() is not None:
            gone = True
            print("sansheng demo: the simulated patients ended; nobody calls any more", file=sys.stderr)


def _await_health(config: ConsoleConfig, serve: Child) -> None:
    """Raises ``OSError`` when the product ends, or is not healthy in time."""
    url = f"{address(config)}/healthz"
    deadline = time.monotonic() + HEALTHY_WITHIN
    while True:
        if serve.poll() is not None:
            raise OSError(f"the product ended with exit code {serve.poll()}; its messages stand above")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
                trouble = f"{url} answers {answer.status}"
        except (urllib.error.URLError, OSError) as problem:
            trouble = str(problem)
        if time.monotonic() > deadline:
            raise OSError(f"the product is not healthy after {HEALTHY_WITHIN:.0f} s: {trouble}")
        time.sleep(0.2)


def address(config: ConsoleConfig) -> str:
    scheme = "https" if config.https else "http"
    return f"{scheme}://{config.http.host}:{config.http.port}"


def _say_where(config: ConsoleConfig, users: list[User], password: str, kept: str, callers: int) -> None:
    lines = [
        "",
        f"  Sansheng is ready: {address(config)}",
        f"  password of every login ({kept}): {password}",
        "",
        *(f"    {user.username:<12} {user.display_name:<10} {ROLES.get(user.role, '')}" for user in users),
        "",
        f"  SIP on {config.sip.host}:{config.sip.port}; "
        + (f"{callers} simulated patients begin to call" if callers else "the simulated patients stay silent"),
        "  Log in as agent1 in Chrome, allow the microphone, press 示闲. Stop with Ctrl-C.",
        "",
    ]
    print("\n".join(lines), flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
