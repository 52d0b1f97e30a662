"""The web process: pages, JSON API, the consoles' sockets, the database."""

from __future__ import annotations

import gc
import sys

import uvicorn

from console.app import build_app
from console.config import ConsoleConfig
from console.serve.lifeline import begin, prefer
from storage import name_readings
from storage.places import places

#: how long a thread may keep the interpreter while the loop has a pop to deliver: seconds
SWITCH_INTERVAL = 0.0005


def main() -> int:
    """Started by hand."""
    return live(begin("web"))


def live(config: ConsoleConfig) -> int:
    """Until SIGTERM or SIGINT; gives the exit code."""
    take_place()
    return 0 if serve(server_config(config)) else 1


def serve(settings: uvicorn.Config) -> bool:
    """Until told to stop; False when it could not start."""
    server = uvicorn.Server(settings)
    # else the first call would wait for them
    places()
    name_readings.load()
    # the tables of numbers and names stay as they are: a collection that looked at them took 0.2 s
    gc.collect()
    gc.freeze()
    server.run()
    return server.started


def take_place() -> None:
    """Behind the phone, before the worker."""
    prefer(2)
    sys.setswitchinterval(SWITCH_INTERVAL)


def server_config(config: ConsoleConfig) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(config),
        host=config.http.host,
        port=config.http.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_ping_interval=15.0,
        ws_ping_timeout=15.0,
        ws_per_message_deflate=False,
        lifespan="on",
        proxy_headers=True,
        forwarded_allow_ips=list(config.http.trusted_proxies),
        ssl_certfile=config.http.certfile or None,
        ssl_keyfile=config.http.keyfile or None,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    sys.exit(main())
