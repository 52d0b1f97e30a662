"""The table of docs/conformance.md: one row a behaviour, read from the suite's source, one column a driver."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from line_desk import DECLARED, DRIVERS

SUITE = Path(__file__).parents[1] / "conformance"
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN, END = "<!-- table: made by `make conformance` -->", "<!-- end of the table -->"
PASS, FAIL, NOT_RUN, NOT_DECLARED = "pass", "**fail**", "not run", "not declared"


@dataclass(frozen=True)
class Behaviour:
    """``test`` is the name of its test function; ``needs`` a field of ``Capabilities`` or empty."""

    test: str
    group: str
    section: str
    needs: str

    @property
    def sentence(self) -> str:
        return self.test.removeprefix("test_").replace("_", " ")

    def declared_by(self, driver: str) -> bool:
        return not self.needs or bool(getattr(DECLARED[driver], self.needs))


def behaviours() -> list[Behaviour]:
    """The suite, in the order of its files. Raises ``ValueError`` for a test that names no section."""
    found = []
    for path in sorted(SUITE.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        group = (ast.get_docstring(tree) or path.stem).rstrip(".")
        for node in tree.body:
            if not isinstance(node, ast.AsyncFunctionDef) or not node.name.startswith("test_"):
                continue
            calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
            marks = [each for each in calls if isinstance(each.func, ast.Name) and each.func.id == "behaviour"]
            if not marks:
                raise ValueError(f"{path.name}: {node.name} has no behaviour(section)")
            options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in marks[0].keywords}
            found.append(Behaviour(node.name, group, ast.literal_eval(marks[0].args[0]), options.get("needs", "")))
    return found


def table(results: Mapping[tuple[str, str], str] | None = None) -> str:
    """Markdown. ``results`` gives the outcome by test and driver; without it, all that is declared is taken to pass."""
    lines = []
    group = ""
    passed = dict.fromkeys(DRIVERS, 0)
    declared = dict.fromkeys(DRIVERS, 0)
    for each in behaviours():
        if each.group != group:
            group = each.group
            lines += ["", f"### {group}", "", f"| behaviour | source | {' | '.join(DRIVERS)} |", "|---|---|---|---|"]
        cells = []
        for driver in DRIVERS:
            if not each.declared_by(driver):
                cells.append(NOT_DECLARED)
                continue
            cell = PASS if results is None else results.get((each.test, driver), NOT_RUN)
            declared[driver] += 1
            passed[driver] += cell == PASS
            cells.append(cell)
        lines.append(f"| {each.sentence} | {each.section} | {' | '.join(cells)} |")
    sums = ", ".join(f"{driver} {passed[driver]} of {declared[driver]} declared" for driver in DRIVERS)
    return "\n".join([f"{len(behaviours())} behaviours: {sums}.", *lines])


def page_with(text: str, table: str) -> str:
    """The page with another table between its markers. Raises ``ValueError`` where they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no markers for the table")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
