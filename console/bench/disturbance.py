"""The product's own web process at its worst, over and over: an answer of 5 MB of JSON, and a query of 300 ms for it.

It is ``console.serve.web`` with one more route, started, prioritised and asked over HTTP as ever; the route does its
work as the others do (a worker thread's transaction, the API's own encoder). Prints "busy" once that has been done
twice, asks on until its standard input ends, and says then how often. The argument is the web process's processor.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from starlette.applications import Starlette

from console.bench.product import Product, ProductFailed
from console.http import ApiCall, Endpoints
from console.serve import web
from console.serve.lifeline import begin
from storage.database import open_engine
from storage.migrate import upgrade

PATH = "/api/bench/work"
JSON_BYTES = 5_000_000
QUERY_SECONDS = 0.3
START_SECONDS = 40.0
#: the argument that makes it the web process; the processor follows, empty for all
WEB = "web"

_QUERY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
    "SELECT count(*), sum(i * i % 7) FROM n"
)
_ONE = {"id": 100_000, "name": "病人100000", "kind": "回访", "at": 50_000.5}
_BODY = [_ONE] * (JSON_BYTES // len(json.dumps(_ONE, ensure_ascii=False, separators=(",", ":")).encode()) + 1)

routes = Endpoints("bench")


class _Query:
    """As many rows as take so long on this machine."""

    rows = 200_000

    def run(self, connection: Connection) -> None:
        begun = time.perf_counter()
        connection.execute(_QUERY, {"rows": self.rows}).one()
        took = time.perf_counter() - begun
        self.rows = max(100_000, min(20_000_000, int(self.rows * QUERY_SECONDS / took)))


_query = _Query()


@routes.get(PATH, public=True, returns=list[dict[str, Any]])
async def work(call: ApiCall) -> list[dict[str, Any]]:
    await call.run(_query.run)
    return _BODY


def web_process() -> None:
    """As ``console.serve.web.main``, with the route."""
    config = begin("web")
    web.take_place()
    settings = web.server_config(config)
    assert isinstance(settings.app, Starlette)
    settings.app.router.routes[:0] = routes.routes()
    web.serve(settings)


@contextlib.contextmanager
def running(product: Product, processor: str) -> Iterator[None]:
    """Raises ProductFailed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
    with product.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.bench.disturbance", WEB, processor],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment, "SANSHENG_CONFIG": str(product.config)},
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not product.listening():
            if process.poll() is not None or time.monotonic() > until:
                raise ProductFailed(f"no web process:\n{product.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def main(processor: str) -> None:
    with tempfile.TemporaryDirectory(prefix="disturbance-") as folder:
        product = Product(Path(folder))
        product.write_config()
        engine = open_engine(f"sqlite:///{product.data / 'sansheng.db'}")
        upgrade(engine)
        engine.dispose()
        done = 0
        with running(product, processor):
            while not select.select([sys.stdin], [], [], 0)[0]:
                with urllib.request.urlopen(product.url + PATH, timeout=60) as answer:
                    size = len(answer.read())
                if size < JSON_BYTES:
                    raise ProductFailed(f"an answer of {size} bytes")
                done += 1
                if done == 2:
                    print("busy", flush=True)
    print(json.dumps({"encoded": done, "queried": done}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [WEB]:
        if sys.argv[2]:
            os.sched_setaffinity(0, {int(sys.argv[2])})
        web_process()
    else:
        main("".join(sys.argv[1:2]))
