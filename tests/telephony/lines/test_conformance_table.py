"""The page of SIP behaviours says what the suite holds."""

from __future__ import annotations

from conformance_table import DRIVERS, FAIL, NOT_RUN, PAGE, PASS, behaviours, page_with, table


def test_the_page_lists_every_behaviour_and_each_driver_passes_what_it_declares() -> None:
    text = PAGE.read_text(encoding="utf-8")
    # what fails fails in the suite itself; a page that is stale fails here
    assert text == page_with(text, table()), "run make conformance"


def test_each_behaviour_stands_once_and_names_its_source() -> None:
    found = behaviours()
    assert len({each.test for each in found}) == len(found) > 100
    assert all(each.section.startswith(("RFC ", "our own")) for each in found)


def test_a_failure_and_a_behaviour_that_did_not_run_show_in_the_table() -> None:
    first, second, *_ = behaviours()
    made = table({(first.test, driver): FAIL for driver in DRIVERS} | {(second.test, "sippy"): PASS})
    rows = {line.split(" | ")[0]: line for line in made.splitlines()}
    assert rows[f"| {first.sentence}"].count(FAIL) == len(DRIVERS)
    assert rows[f"| {second.sentence}"].endswith(f"| {PASS} | {NOT_RUN} |")
    assert "sippy 1 of" in made
