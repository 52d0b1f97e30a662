"""A process that does what a web process may do at worst, over and over: 5 MB of JSON, and a query of 300 ms.

It runs at the web process's priority until its standard input ends; it prints "busy" once both have been done, and how
often each was at the end.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

from sqlalchemy import create_engine, text

#: as ``console.serve.web`` has it
NICE = 2
JSON_BYTES = 5_000_000
QUERY_SECONDS = 0.3

_QUERY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
    "SELECT count(*), sum(i * i % 7) FROM n"
)


def main() -> int:
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    body = [{"id": number, "name": f"病人{number}", "kind": "回访", "at": number * 0.5} for number in range(60_000)]
    body = body[: len(body) * JSON_BYTES // len(json.dumps(body, ensure_ascii=False).encode()) + 1]
    engine = create_engine("sqlite://")
    encoded = queried = 0
    rows = 200_000
    with engine.connect() as connection:
        while not select.select([sys.stdin], [], [], 0)[0]:
            json.dumps(body, ensure_ascii=False).encode()
            encoded += 1
            begun = time.perf_counter()
            connection.execute(_QUERY, {"rows": rows}).one()
            took = time.perf_counter() - begun
            rows = max(100_000, min(20_000_000, int(rows * QUERY_SECONDS / took)))
            queried += 1
            if queried == 2:
                print("busy", flush=True)
    print(json.dumps({"encoded": encoded, "queried": queried}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
