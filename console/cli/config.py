"""``sansheng config check``."""

from __future__ import annotations

import argparse

from console.cli.configuration import add_config_argument, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="read it, say what is wrong or what it comes to")
    add_config_argument(check)


def run(arguments: argparse.Namespace) -> int:
    """0 and a summary, or 2 and what is wrong. Shows no password."""
    config = configuration(arguments)
    scheme = "https" if config.https else "http"
    print("the configuration is right")
    print(f"  console   {scheme}://{config.http.host}:{config.http.port}")
    print(f"  headsets  {config.headset_host}:{config.headset_port}")
    low, high = config.sip.rtp_ports
    print(f"  SIP       {config.sip.host}:{config.sip.port}, RTP ports {low}-{high}")
    print(f"  data      {config.data}")
    print(f"  database  {config.database.split('://')[0]}")
    for line in config.lines:
        target = line.proxy or ", ".join(line.peers)
        print(f"  line      {line.name}: {line.mode}, {target}, queue {line.queue}")
    if not config.lines:
        print("  no line is configured: nobody can call in")
    return 0
