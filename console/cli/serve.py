"""``sansheng serve``."""

from __future__ import annotations

import argparse
import shlex
import sys

import structlog

from console.cli.configuration import WRONG, add_config_argument, configuration
from console.config import ConfigError
from console.logs import configure_logging
from console.secret import with_secret
from console.serve.preflight import CannotStart, check_ports, lock_data, nobody_may_sign_in, prepare_database
from console.serve.roles import Role, load
from console.serve.supervisor import Supervisor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--log-format", choices=("console", "json"), help="how logs are written to standard error")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input closes as well")


def run(arguments: argparse.Namespace) -> int:
    """Until a signal: 0. 1 when something is in the way, 2 when the configuration is wrong. In each of the processes
    that are forked meanwhile, its own exit code."""
    config = configuration(arguments)
    configure_logging(config.log, "serve")
    try:
        lock = lock_data(config)
        check_ports(config)
        config = with_secret(config)
        load()
        revision = prepare_database(config)
    except ConfigError as error:
        print(f"sansheng: {error}", file=sys.stderr)
        return WRONG
    except CannotStart as error:
        print(f"sansheng: {error}", file=sys.stderr)
        return 1
    scheme = "https" if config.https else "http"
    log = structlog.get_logger("console.serve")
    if nobody_may_sign_in(config):
        file = f" --config {shlex.quote(str(arguments.config))}" if arguments.config else ""
        log.warning(f"nobody can sign in yet: run sansheng user add admin --role admin --generate{file}")
    if not config.lines:
        log.warning("no line is configured: nobody can call; see lines in docs/configuration.md")
    log.info(
        "starting",
        console=f"{scheme}://{config.http.host}:{config.http.port}",
        sip=f"{config.sip.host}:{config.sip.port}",
        data=str(config.data),
        schema=revision,
    )
    # a child leaves the block, too: only the supervisor keeps the lock
    with lock:
        ended = Supervisor(config, sys.stdin.fileno() if arguments.until_input_ends else None).run()
    return ended.live(config) if isinstance(ended, Role) else ended
