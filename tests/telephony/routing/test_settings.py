"""The routing document: what it must hold, and that each error names its place."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.routing.checks import shipped_sounds
from telephony.routing.default_routing import DEFAULT_ROUTING, default_routing
from telephony.routing.settings import RoutingError, RoutingSettings, parse_routing
from telephony.routing.steps import HangUp, ToMenu, ToQueue, in_words
from telephony.settings import LineSettings

Document = dict[str, Any]
Edit = Callable[[Document], object]


@pytest.fixture
def document() -> Document:
    """The document that docs/routing.md shows."""
    text = (Path(__file__).parents[3] / "docs" / "routing.md").read_text()
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found
    made: Document = json.loads(found[1])
    return made


def edited(document: Document, edit: Edit) -> Document:
    changed = copy.deepcopy(document)
    edit(changed)
    return changed


def test_the_document_that_the_docs_show_is_read(document: Document) -> None:
    settings = parse_routing(document, lines=["trunk"])
    assert settings.version == 7
    assert settings.entry("trunk", "") == settings.entries[0]
    assert settings.menus[0].choices[0].to == ToQueue(queue="enquiries")
    assert str(settings.menus[0].choices[0].label) == "业务咨询"
    assert settings.priorities.emergency == 100


def test_a_document_read_and_written_is_the_same(document: Document) -> None:
    settings = parse_routing(document)
    assert parse_routing(json.loads(json.dumps(settings.document()))) == settings


def test_the_default_document_is_a_good_one_and_offers_the_menu() -> None:
    assert parse_routing(DEFAULT_ROUTING.document()) == DEFAULT_ROUTING
    menu = DEFAULT_ROUTING.menu("main")
    assert menu is not None
    assert [(choice.digit, choice.label.zh) for choice in menu.choices] == [("1", "业务咨询"), ("2", "投诉建议")]
    assert menu.emergency == "0"
    hours = DEFAULT_ROUTING.opening_hours("day")
    assert hours is not None
    assert hours.chinese_holidays


def test_each_line_rings_at_its_queue_by_default_without_a_word() -> None:
    lines = [LineSettings("trunk", queue="desk"), LineSettings("vip", queue="vip")]
    settings = default_routing(lines)
    assert parse_routing(settings.document(), lines=["trunk", "vip"]) == settings
    for line in lines:
        entry = settings.entry(line.name, "114")
        assert entry is not None
        assert entry.to == ToQueue(queue=line.queue)
        assert not entry.hours
        assert not entry.announce_recording
    assert settings.queue("desk").waiting == "ringback"
    assert settings.queues[0].name == "desk"


def test_prompts_that_the_default_document_plays_do_ship() -> None:
    assert {"menu-main", "menu-invalid", "closed", "hold-music"} <= shipped_sounds()


def test_the_number_dialled_says_more_than_the_line_and_nothing_fits_all() -> None:
    document = {
        "queues": [{"name": name} for name in ("any", "line", "number", "both")],
        "entries": [
            {"to": {"kind": "queue", "queue": "any"}},
            {"line": "trunk", "to": {"kind": "queue", "queue": "line"}},
            {"dialled": "120", "to": {"kind": "queue", "queue": "number"}},
            {"line": "trunk", "dialled": "120", "to": {"kind": "queue", "queue": "both"}},
        ],
    }
    settings = parse_routing(document)

    def goes(line: str, dialled: str) -> object:
        entry = settings.entry(line, dialled)
        return entry and in_words(entry.to)

    assert [goes("x", "1"), goes("trunk", "1"), goes("x", "120"), goes("trunk", "120")] == [
        "queue:any", "queue:line", "queue:number", "queue:both",
    ]  # fmt: skip
    assert parse_routing({"queues": [{"name": "a"}]}).entry("trunk", "1") is None


def _set(value: object, *path: str | int) -> Edit:
    def edit(document: Document) -> None:
        at: Any = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "place", "says"),
    [
        (_set("vipp", "queues", 0, "overflow", 0, "to", "queue"), "queues[0].overflow[0].to.queue", '"vipp"; is "vip"'),
        (_set("mian", "entries", 0, "to", "menu"), "entries[0].to.menu", 'no menu "mian"; is "main" meant'),
        (_set("nihgt", "queues", 1, "hours"), "queues[1].hours", 'no opening hours "nihgt"'),
        (_set("night", "entries", 0, "hours"), "entries[0].hours", 'no opening hours "night"'),
        (_set("trunck", "entries", 0, "line"), "entries[0].line", 'no line "trunck"; is "trunk" meant'),
        (_set("menu-mian", "menus", 0, "greeting"), "menus[0].greeting", 'no prompt "menu-mian"; is "menu-main"'),
        (_set("no", "menus", 0, "invalid"), "menus[0].invalid", 'no prompt "no"'),
        (_set("no", "entries", 0, "closed", "prompt"), "entries[0].closed.prompt", 'no prompt "no"'),
        (_set({"kind": "voicemail", "queue": "x"}, "queues", 0, "nobody_signed_in"),
         "queues[0].nobody_signed_in.queue", 'no queue "x"'),
        (_set({"kind": "callback", "queue": "x"}, "queues", 0, "nobody_signed_in"),
         "queues[0].nobody_signed_in.queue", 'no queue "x"'),
        (_set({"kind": "voicemail", "queue": "vip", "prompt": "x"}, "menus", 0, "gave_up"),
         "menus[0].gave_up.prompt", 'no prompt "x"'),
        (_set({"kind": "number", "number": "120", "line": "x"}, "menus", 0, "gave_up"),
         "menus[0].gave_up.line", 'no line "x"'),
        (_set({"kind": "number", "number": "doctor"}, "menus", 0, "gave_up"),
         "menus[0].gave_up.number", "a telephone number"),
        (_set({"kind": "elsewhere"}, "menus", 0, "gave_up"), "menus[0].gave_up.kind", "elsewhere"),
        (_set({"queue": "vip"}, "menus", 0, "gave_up"), "menus[0].gave_up", "kind"),
        (_set("12", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "one key"),
        (_set("A", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "one key"),
        (_set("1\n", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "one key"),
        (_set("１", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "one key"),
        (_set("v\x00p", "queues", 0, "name"), "queues[0].name", "control characters"),
        (_set("vip\n", "queues", 0, "name"), "queues[0].name", "control characters"),
        (_set({"zh": "长" * 101}, "queues", 0, "label"), "queues[0].label.zh", "<= 100"),
        (_set("0", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "emergency key"),
        (_set("2", "menus", 0, "choices", 0, "digit"), "menus[0].choices[0].digit", "there twice"),
        (_set(None, "menus", 0, "emergency_to"), "menus[0].emergency_to", "belong together"),
        (_set("", "menus", 0, "emergency"), "menus[0].emergency_to", "belong together"),
        (_set([], "menus", 0, "choices"), "menus[0].choices", "at least one"),
        (_set(0.5, "menus", 0, "timeout"), "menus[0].timeout", ">= 1"),
        (_set(-1, "menus", 0, "retries"), "menus[0].retries", ">= 0"),
        (_set("loudest", "queues", 0, "strategy"), "queues[0].strategy", "loudest"),
        (_set("skills", "queues", 0, "strategy"), "queues[0].skill", "needs a skill"),
        (_set(True, "queues", 0, "colour"), "queues[0]", "colour"),
        (_set(5000, "queues", 0, "priority"), "queues[0].priority", "1000"),
        (_set("high", "priorities", "vip"), "priorities.vip", "int"),
        (_set(3, "queues", 0, "max_waiting"), "queues[0].full", "no step"),
        (_set("day", "queues", 0, "hours"), "queues[0].closed", "no step"),
        (_set(0, "queues", 0, "overflow", 0, "after"), "queues[0].overflow[0].after", ">= 1"),
        (_set("nosound", "queues", 1, "music"), "queues[1].music", 'no prompt "nosound"'),
        (_set([], "queues"), "queues", "length"),
        (_set("default", "queues", 1, "name"), "queues[1].name", "there twice"),
        (_set("", "queues", 1, "name"), "queues[1].name", "length"),
        (_set(" x ", "queues", 1, "name"), "queues[1].name", "blanks"),
        (_set("8:00", "hours", 0, "weekly", "mon", 0, 0), "hours[0].weekly.mon[0][0]", "a time like"),
        (_set("25:00", "hours", 0, "weekly", "mon", 0, 1), "hours[0].weekly.mon[0][1]", "a time like"),
        (_set("24:00", "hours", 0, "weekly", "mon", 0, 0), "hours[0].weekly.mon[0]", "only be an end"),
        (_set(["08:00", "08:00"], "hours", 0, "weekly", "mon", 0), "hours[0].weekly.mon[0]", "00:00 to 24:00"),
        (_set([["08:00"]], "hours", 0, "weekly", "mon"), "hours[0].weekly.mon[0]", "length 2"),
        (_set([], "hours", 0, "weekly", "monday"), "hours[0].weekly", "monday"),
        (_set("2026-02-30", "hours", 0, "exceptions", 0, "date"), "hours[0].exceptions[0].date", "date"),
        (_set("Asia/Shangri-La", "timezone"), "timezone", "Shangri-La"),
        (_set("../../etc/passwd", "timezone"), "timezone", "no timezone"),
        (_set("", "timezone"), "timezone", "no timezone"),
        (_set("/etc/passwd", "prompts", 0, "file"), "prompts[0].file", "inside the data folder"),
        (_set("prompts/../../x.wav", "prompts", 0, "file"), "prompts[0].file", "inside the data folder"),
        (_set("closed", "prompts", 0, "seconds"), "prompts[0].seconds", "float"),
        (_set(-1, "version"), "version", ">= 0"),
        (_set([1], "entries"), "entries[0]", "object"),
        (_set({}, "queues"), "queues", "array"),
    ],
)  # fmt: skip
def test_a_bad_document_is_refused_and_the_place_named(document: Document, edit: Edit, place: str, says: str) -> None:
    with pytest.raises(RoutingError) as refused:
        parse_routing(edited(document, edit), lines=["trunk"])
    message = str(refused.value)
    assert message.startswith(f"{place}: ")
    assert says in message


def test_overflows_come_in_the_order_of_their_times(document: Document) -> None:
    rule = {"after": 60.0, "to": {"kind": "hang_up"}}
    with pytest.raises(RoutingError, match=r"queues\[0\]\.overflow\[1\]\.after"):
        parse_routing(edited(document, lambda changed: changed["queues"][0]["overflow"].append(rule)))


def test_two_entries_for_the_same_calls_are_refused(document: Document) -> None:
    with pytest.raises(RoutingError, match=r"entries\[1\]: another entry"):
        parse_routing(edited(document, lambda changed: changed["entries"].append(changed["entries"][0])))


def test_an_exception_for_a_day_comes_once(document: Document) -> None:
    exceptions = document["hours"][0]["exceptions"]
    with pytest.raises(RoutingError, match=r"hours\[0\]\.exceptions\[1\]\.date: 2026-12-31 is there twice"):
        parse_routing(edited(document, _set(exceptions * 2, "hours", 0, "exceptions")))


def test_lines_are_only_checked_by_who_knows_them(document: Document) -> None:
    assert parse_routing(edited(document, _set("gone", "entries", 0, "line"))).entries[0].line == "gone"


@pytest.mark.parametrize(
    ("queues", "menus", "place"),
    [
        ([{"name": "a", "overflow": [{"after": 5, "to": {"kind": "queue", "queue": "a"}}]}], [],
         "queues[0].overflow[0].to"),
        ([{"name": "a", "nobody_signed_in": {"kind": "queue", "queue": "b"}},
          {"name": "b", "max_waiting": 1, "full": {"kind": "queue", "queue": "a"}}], [], "queues[1].full"),
        ([{"name": "a"}], [{"name": "m", "gave_up": {"kind": "menu", "menu": "m"}}], "menus[0].gave_up"),
        ([{"name": "a", "overflow": [{"after": 5, "to": {"kind": "menu", "menu": "m"}}]}],
         [{"name": "m", "gave_up": {"kind": "queue", "queue": "a"}}], "queues[0].overflow[0].to"),
    ],
)  # fmt: skip
def test_a_caller_who_does_nothing_is_not_led_in_circles(
    queues: list[Document], menus: list[Document], place: str
) -> None:
    for menu in menus:
        menu |= {"greeting": "menu-main", "choices": [{"digit": "1", "to": {"kind": "queue", "queue": "a"}}]}
    with pytest.raises(RoutingError, match=re.escape(place) + ".*circles"):
        parse_routing({"queues": queues, "menus": menus})


def test_a_key_may_lead_back_to_the_menu_above() -> None:
    menus = [
        {"name": "top", "greeting": "menu-main", "gave_up": {"kind": "hang_up"},
         "choices": [{"digit": "1", "to": {"kind": "menu", "menu": "sub"}}]},
        {"name": "sub", "greeting": "menu-main", "gave_up": {"kind": "menu", "menu": "top"},
         "choices": [{"digit": "*", "to": {"kind": "menu", "menu": "top"}}]},
    ]  # fmt: skip
    settings = parse_routing({"queues": [{"name": "a"}], "menus": menus})
    assert settings.menus[0].gave_up == HangUp()
    assert settings.menus[1].gave_up == ToMenu(menu="top")


def test_what_is_gone_falls_back_to_the_first_queue() -> None:
    settings = parse_routing({"queues": [{"name": "a"}, {"name": "b"}]})
    assert settings.queue("gone").name == "a"
    assert settings.menu("gone") is None
    assert settings.opening_hours("gone") is None


def test_the_staff_that_must_stay_is_known_by_queue() -> None:
    settings = parse_routing({"queues": [{"name": "a", "minimum_staff": 2}, {"name": "b"}]})
    assert settings.minimum_staff() == {"a": 2}


@pytest.mark.parametrize("document", [{}, [], None, "queues", 7, {"queues": None}, {b"queues": []}, {"queues": [None]}])
def test_what_is_no_document_at_all_is_refused_too(document: Any) -> None:
    with pytest.raises(RoutingError):
        parse_routing(document)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from([*RoutingSettings.__struct_fields__])


@hypothesis.settings(deadline=None)
@given(st.dictionaries(_FIELDS, _JSON))
def test_no_document_whatever_raises_anything_else(changes: Document) -> None:
    with contextlib.suppress(RoutingError):
        parsed = parse_routing(DEFAULT_ROUTING.document() | changes)
        assert parse_routing(parsed.document()) == parsed
