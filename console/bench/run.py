"""`sansheng bench`: the product on loopback with a large invented database, measured, printed and kept."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from console.bench import chromium, freed, media, painted, pop, setups, stall
from console.bench.compiled import NoCompiler
from console.bench.figures import Figure, Report
from console.bench.others import Watch
from console.bench.product import PASSWORD, Product, running

#: what is measured, in this order
PARTS = ("cost", "most", "disturbance", "stall", "setups", "chromium", "ring", "pop", "freed", "painted")
#: one who has not been on the floor before, so that a click makes ready
BROWSER_AGENT = "bench-browser"
#: patients in the database while nothing that looks for them is measured
FEW_PATIENTS = 1000
AGENTS = 20
#: what a call costs is known sooner than how late its slowest packets are
COST_SECONDS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this (may be repeated)")
    parser.add_argument("--patients", type=_count, default=1_000_000, help="invented patients in the database")
    parser.add_argument("--rate", type=float, action="append", help="calls a second that ring (default: 1, 10 and 30)")
    parser.add_argument("--seconds", type=_count, default=10, help="length of each load (at most 300)")
    parser.add_argument("--calls", type=_count, action="append", help="recorded calls (default: 50 to 400)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder of the result files")


def _count(text: str) -> int:
    number = int(text)
    if not 0 < number <= 5_000_000:
        raise argparse.ArgumentTypeError("expected a whole number above 0")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 when everything asked for was measured or said to be left out; what could not be is said."""
    report = Report()
    report.look_at_machine()
    wanted = [part for part in PARTS if not arguments.only or part in arguments.only]
    seconds = min(arguments.seconds, 300)
    begun = time.monotonic()
    _media(report, wanted, arguments.calls or [50, 100, 200, 400], seconds)
    if "setups" in wanted:
        print("Calls set up, SIPp as the source:", flush=True)
        try:
            for figure in setups.most_setups([100, 200, 250, 300], min(seconds, 10)):
                report.add(figure)
        except setups.NoSipp as error:
            report.skip("calls set up per second", str(error))
    if "chromium" in wanted:
        print("Headset in Chromium:", flush=True)
        try:
            for figure in chromium.measure():
                report.add(figure)
        except chromium.CannotMeasure as error:
            report.skip("delays of the headset in Chromium", str(error))
    if {"ring", "freed", "pop", "painted"} & set(wanted):
        with tempfile.TemporaryDirectory(prefix="sansheng-bench-") as folder:
            _desk(report, wanted, Path(folder), arguments.patients, arguments.rate, seconds)
    print(f"Written to {report.write(arguments.output)} after {time.monotonic() - begun:.0f} s")
    return 0


def _media(report: Report, wanted: list[str], calls: list[int], seconds: int) -> None:
    if {"cost", "most", "disturbance", "stall"} & set(wanted):
        print("Recorded calls, RTP to headset and back:", flush=True)
    try:
        if "cost" in wanted:
            for figure in media.costs(calls, min(seconds, COST_SECONDS)):
                report.add(figure)
        if "most" in wanted:
            report.add(media.most_calls([300, 400, 500, 600], seconds))
        if "disturbance" in wanted:
            report.add(media.disturbance(50, seconds))
    except NoCompiler as error:
        report.skip("the cost of recorded calls", str(error))
    if "stall" in wanted:
        report.add(asyncio.run(stall.measure()))


def _desk(
    report: Report, wanted: list[str], folder: Path, patients: int, rates: list[float] | None, seconds: int
) -> None:
    """The parts for which the whole product runs: one database, made once, and one start for all of them."""
    product = Product(folder / "data")
    product.write_config()
    agents = [f"bench{number}" for number in range(1, AGENTS + 1)]
    if not {"pop", "painted"} & set(wanted):
        patients = min(patients, FEW_PATIENTS)
    begun = time.monotonic()
    numbers = _fill(product, patients, agents)
    # the kernel still writes the new database back; that is not what is measured
    os.sync()
    print(f"{patients:,} invented patients in SQLite after {time.monotonic() - begun:.0f} s", flush=True)
    with running(product):
        if {"ring", "pop"} & set(wanted):
            print("Rings and screen pops through the queue:", flush=True)
            for rate in rates or [1.0, 10.0, 30.0]:
                calls = max(20, int(rate * seconds))
                for figure in asyncio.run(pop.measure(product, agents, numbers, rate, calls)):
                    report.add(figure)
        if "freed" in wanted:
            for figure in asyncio.run(_freed(product, agents[0], numbers)):
                report.add(figure)
        if "painted" in wanted:
            try:
                for figure in asyncio.run(painted.measure(product, BROWSER_AGENT, numbers, 40)):
                    report.add(figure)
            except painted.CannotMeasure as error:
                report.skip("INVITE to the card painted in Chromium", str(error))


async def _freed(product: Product, agent: str, numbers: list[str]) -> list[Figure]:
    watch = Watch()
    async with watch.beating():
        return watch.judge(await freed.measure(product, agent, numbers, 40))


def _fill(product: Product, patients: int, agents: list[str], say: Callable[[str], None] = print) -> list[str]:
    """Make the database; gives numbers that are spread over all patients."""
    from storage.database import open_engine, transaction
    from storage.demo_data import load_demo
    from storage.migrate import upgrade
    from storage.patients import patient_phones
    from storage.users import create_user

    engine = open_engine(f"sqlite:///{product.data / 'sansheng.db'}")
    try:
        upgrade(engine)
        with transaction(engine) as connection:
            load_demo(connection, patients)
            for agent in (*agents, BROWSER_AGENT):
                create_user(connection, agent, PASSWORD, "agent")
            step = max(1, patients // 500)
            phones = select(patient_phones.c.e164).where(patient_phones.c.e164.like("+861%")).limit(patients)
            rows = connection.execute(phones).scalars()
            return [number for index, number in enumerate(rows) if index % step == 0]
    finally:
        engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
