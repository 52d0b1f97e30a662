"""Run the suite of SIP behaviours over both line drivers, print the table, and put it into docs/conformance.md.

``--check`` writes nothing and fails where the page does not say what came out. Further arguments go to pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "instruments"))

from conformance_table import DRIVERS, FAIL, PAGE, PASS, SUITE, page_with, table  # noqa: E402


class Results:
    """A pytest plugin: a behaviour has passed over a driver when all its cases did, set-up and end included."""

    def __init__(self) -> None:
        self.by_test: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed:
            return
        test, _, case = report.nodeid.rpartition("::")[2].partition("[")
        for driver in DRIVERS:
            if driver in case.rstrip("]").split("-"):
                key = test, driver
                if report.failed or self.by_test.get(key) != FAIL:
                    self.by_test[key] = FAIL if report.failed else PASS


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    results = Results()
    rest = [argument for argument in arguments if argument != "--check"]
    status = pytest.main([str(SUITE), "-q", "--tb=short", "-p", "no:cacheprovider", *rest], plugins=[results])
    made = table(results.by_test)
    print(made)
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with(page, made)
    if check:
        if page != wanted:
            print(f"\n{PAGE.relative_to(ROOT)} says otherwise: run make conformance", file=sys.stderr)
            return 1
    elif page != wanted:
        PAGE.write_text(wanted, encoding="utf-8")
        print(f"\n{PAGE.relative_to(ROOT)} is written anew")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
