"""One call through three consoles: hold, consult, conference, transfer, listen, whisper, barge, take-over.

Everybody says a tone of their own; what every ear got is measured at each step: behind the worklet of each page, and
in the RTP that came to the caller's telephone. The levels are written to ``test-artefacts/journeys``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fair_figures import Fair, fair
from playwright.sync_api import expect
from tone_caller import ToneCaller, tone_caller
from tone_table import FLOOR, HEARD, MUSIC, ToneTable
from tones import Heard, hear_recording

__all__ = ["fair", "tone_caller"]

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "journeys"
ZHANG_SAN = "13805711001"
#: no one is a harmonic or a third-order product of others, and the music on hold is below -70 dB there
TONES = {"caller": 1240.0, "agent1": 1720.0, "agent2": 2080.0, "supervisor1": 2660.0}
#: dB that the coder of finished recordings may add of one voice to silence
CODER_FLOOR = -45.0
#: of each agent's tile, as it is read: the state, what is said of it, and of the call; without the clocks
BOARD = """
() => [...document.querySelectorAll('[data-testid=agent-tile]')].map((tile) => [
  tile.dataset.agent, tile.dataset.status,
  ...['.state > span:first-child', 'footer'].map((part) =>
    tile.querySelector(part).innerText.replace(/\\s+/g, ' ').trim()),
]).sort()
"""


class Stage:
    """The call's people, their ears and the table."""

    def __init__(self, phone: ToneCaller, screens: Mapping[str, Any]) -> None:
        self.phone, self.screens = phone, screens
        #: another wallboard, which knows only what it is told when it opens
        self.newcomer: Any = None
        self.table = ToneTable(TONES)
        self.step = 0

    def hear(self, who: str) -> Heard:
        if who == "caller":
            return self.phone.hears()
        heard: Heard = self.screens[who].ear()
        return heard

    def heard(self, step: str, **ears: tuple[str, ...]) -> None:
        """Until each of these ears has heard for a whole second exactly these speakers; then the pictures."""
        anyone = next(iter(self.screens.values()))
        for ear, speakers in ears.items():
            last: list[Heard] = []

            def right(ear: str = ear, speakers: tuple[str, ...] = speakers, last: list[Heard] = last) -> bool:
                last[:] = [self.hear(ear)]
                return not self.table.wrong(last[0], speakers)

            try:
                anyone.until(right, 30)
            except AssertionError:
                self.table.add(step, ear, last[0], speakers)
                wrong = "; ".join(self.table.wrong(last[0], speakers))
                raise AssertionError(f"{step}: {ear}: {wrong}\n{self.table.text}") from None
            self.table.add(step, ear, last[0], speakers)
        self.pictures(step)

    def boards_agree(self) -> list[list[str]]:
        """The supervisor's board, kept by events since the beginning, shows what one shows that was opened just now."""
        kept, fresh = self.screens["supervisor1"].page, self.newcomer.page
        fresh.goto(f"{self.newcomer.product.url}/floor")
        self.newcomer.see("agent-tile")
        boards: list[Any] = []

        def same() -> bool:
            boards[:] = [kept.evaluate(BOARD), fresh.evaluate(BOARD)]
            return bool(boards[0] == boards[1])

        try:
            self.newcomer.until(same, 20)
        except AssertionError:
            raise AssertionError(f"the boards disagree:\n{boards[0]}\n{boards[1]}") from None
        return [tile for tile in boards[0] if tile[0] in self.screens]

    def pictures(self, step: str) -> None:
        self.step += 1
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        for who, screen in self.screens.items():
            path = ARTEFACTS / f"7-{self.step:02d}-{step.replace(' ', '-')}-{who}.png"
            screen.page.screenshot(path=path, animations="disabled")


@pytest.fixture
def stage(
    product: Any, screens: Any, voiced_screen: Callable[[float], Any], tone_caller: Callable[..., ToneCaller]
) -> Iterator[Stage]:
    """Agent 1 is ready, agent 2 is there, the supervisor sees the floor; the caller has not dialled."""
    three = {who: voiced_screen(TONES[who]) for who in ("agent1", "agent2", "supervisor1")}
    three["agent2"].sign_in("agent2")
    three["supervisor1"].sign_in("supervisor1")
    three["agent2"].headset_on()
    three["agent1"].become_ready("agent1")
    stage = Stage(tone_caller(product.sip, ZHANG_SAN, TONES["caller"]), three)
    stage.newcomer = screens.open(three["supervisor1"].context.browser)
    stage.newcomer.sign_in("admin")
    stage.newcomer.see("health")
    yield stage
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    (ARTEFACTS / "two-agents-and-a-supervisor.txt").write_text(stage.table.text)
    print(stage.table.text)


def test_every_ear_hears_whom_it_should_and_nobody_else_through_consultation_conference_whisper_and_take_over(
    stage: Stage, product: Any, fair: Fair
) -> None:
    one, two, boss = (stage.screens[who] for who in ("agent1", "agent2", "supervisor1"))
    stage.phone.dial("96301")
    one.see("pop-card", "张三")
    call = one.call_id()
    stage.pictures("ringing")
    one.find("call-answer").click()
    one.stage("talking")
    stage.heard("answered", caller=("agent1",), agent1=("caller",))

    one.find("call-hold").click()
    one.see("call-status", "保持")
    stage.heard("held", caller=MUSIC, agent1=())
    one.press("F9")
    stage.heard("resumed", caller=("agent1",), agent1=("caller",))

    consult(one)
    two.see("call-status", "坐席一")
    expect(tile_of(boss, "agent2")).to_contain_text("振铃")
    expect(tile_of(boss, "agent2")).not_to_contain_text("保持")
    stage.boards_agree()
    stage.pictures("consulted rings")
    two.press("F2")
    one.see("call-complete")
    stage.heard("consulting", caller=MUSIC, agent1=("agent2",), agent2=("agent1",))
    one.find("call-swap").click()
    stage.heard("switched to the caller", caller=("agent1",), agent1=("caller",), agent2=MUSIC)
    one.find("call-merge").click()
    stage.heard(
        "conference",
        caller=("agent1", "agent2"),
        agent1=("caller", "agent2"),
        agent2=("caller", "agent1"),
    )
    assert [tile[:2] for tile in stage.boards_agree()] == [["agent1", "talking"], ["agent2", "talking"]]
    two.find("call-leave").click()
    two.gone("pop-card")
    stage.heard("agent 2 left", caller=("agent1",), agent1=("caller",), agent2=())

    consult(one)
    two.see("call-answer").click()
    one.see("call-complete")
    one.find("call-cancel-consult").click()
    stage.heard("consultation cancelled", caller=("agent1",), agent1=("caller",), agent2=())
    consult(one)
    two.see("call-answer").click()
    one.see("call-complete").click()
    one.stage("ended")
    stage.heard("transferred to agent 2", caller=("agent2",), agent1=(), agent2=("caller",))
    one.agent_state("wrap_up")
    assert [tile[:2] for tile in stage.boards_agree()] == [["agent1", "wrap_up"], ["agent2", "talking"]]
    one.finish("1")
    one.agent_state("ready")

    tile_of(boss, "agent2").get_by_test_id("monitor-listen").click()
    boss.headset_on()
    everybody = ("caller", "agent2")
    stage.heard("supervisor listens", caller=("agent2",), agent2=("caller",), supervisor1=everybody)
    boss.find("supervisor-strip").get_by_test_id("monitor-whisper").click()
    stage.heard("supervisor whispers", caller=("agent2",), agent2=("caller", "supervisor1"), supervisor1=everybody)
    never_heard(stage, "supervisor1", "from the first packet to the end of the whisper", fair)
    boss.find("supervisor-strip").get_by_test_id("monitor-barge").click()
    stage.heard(
        "supervisor barges in",
        caller=("agent2", "supervisor1"),
        agent2=("caller", "supervisor1"),
        supervisor1=everybody,
    )
    stage.boards_agree()
    boss.find("supervisor-strip").get_by_test_id("monitor-take-over").click()
    boss.find("supervisor-strip").get_by_test_id("monitor-take-over").click()
    two.stage("ended")
    stage.heard("supervisor took over", caller=("supervisor1",), agent2=(), supervisor1=("caller",))
    two.finish("1")
    two.agent_state("not_ready")
    stage.phone.hang_up()
    boss.gone("call-hangup")
    stage.pictures("over")

    row = boss.recorded(call)
    assert row["hung_up_by"] == "caller"
    events = boss.api(f"/api/calls/{call}/events")
    told = [event["type"] for event in events]
    answered = next(event for event in events if event["type"] == "call.answered")
    assert row["caller_rings"] == answered["caller_rings"], "consultations are no rings of the caller's"
    assert all(told.count(kind) == 1 for kind in ("call.started", "call.answered", "call.ended", "recording.closed"))
    lanes_hold_their_voices(stage.table, row, recording_of(product, call), events, fair)
    boss.page.goto(f"{product.url}/calls/{call}")
    player = boss.see("player")
    expect(player).to_have_attribute("data-ready", "true", timeout=20_000)
    expect(player.locator("[data-testid^=player-mute-]")).to_have_count(4)
    boss.find("player-play").click()
    now = "document.querySelector('[data-testid=player] audio').currentTime"
    boss.until(lambda: boss.page.evaluate(now) > 0.8)
    boss.picture(f"7-{stage.step + 1:02d}-replay-supervisor1")


def consult(screen: Any) -> None:
    """Ask agent 2 by the directory, faster than the list can answer to what is typed."""
    screen.see("call-transfer").click()
    screen.type("directory-search", "zhoun")
    screen.press("Enter")


def tile_of(supervisor: Any, agent: str) -> Any:
    return supervisor.find("agent-tile").and_(supervisor.page.locator(f"[data-agent={agent}]"))


def never_heard(stage: Stage, speaker: str, when: str, fair: Fair) -> None:
    """The loudest quarter of a second of this tone in all that the caller's telephone got so far, told and judged."""
    heard = stage.phone.all_heard()
    loudest = heard.loudest(TONES[speaker])
    text = f"{speaker} in the caller's ear {when}, {heard.seconds:.0f} s: at most {loudest:.1f} dB"
    stage.table.note(text)
    fair(loudest < FLOOR, text)


def recording_of(product: Any, call: str) -> Path:
    found: list[Path] = [
        path for kind in ("webm", "mp3") for path in (product.data / "recordings").rglob(f"*{call}*.{kind}")
    ]
    assert len(found) == 1, found
    return found[0]


def lanes_hold_their_voices(
    table: ToneTable, row: dict[str, Any], path: Path, events: list[dict[str, Any]], fair: Fair
) -> None:
    """One lane a party; its own tone while somebody could hear the party (``call.audio``), nobody else's ever."""
    assert row["recording"]["channels"] == 4
    lanes = hear_recording(path, edge=0, channels=4)
    begin = next(event["at"] for event in events if event["type"] == "recording.started")
    end = begin + lanes[0].seconds
    routes = [(event["at"], event["hears"]) for event in events if event["type"] == "call.audio"]
    table.note(f"\nrecording {path.name}: {lanes[0].seconds:.1f} s, 4 lanes; seconds at which each was to be heard")
    for party, (lane, (name, hertz)) in enumerate(zip(lanes, TONES.items(), strict=True)):
        spans = heard_spans(routes, party, begin, end)
        for start, stop in spans:
            if stop - start < 2.0:
                continue
            part = lane.part(start + 0.7, stop - 0.7)
            table.add(f"lane {party}: {start:.1f} to {stop:.1f} s", name, part, (name,))
            assert part.tone(hertz) > HEARD, table.text
            for other, theirs in TONES.items():
                level = part.tone(theirs)
                if other != name and level >= CODER_FLOOR:
                    fair(False, f"{other} on lane {party}: {level:.1f} dB\n{table.text}")
        for start, stop in silences(spans, lane.seconds):
            if stop - start > 2.0:
                level = lane.part(start + 0.7, stop - 0.7).tone(hertz)
                if level >= CODER_FLOOR:
                    fair(False, f"lane {party} is silent at {start:.1f} s: {level:.1f} dB\n{table.text}")


def heard_spans(
    routes: list[tuple[float, dict[str, list[int]]]], party: int, begin: float, end: float
) -> list[tuple[float, float]]:
    """When somebody could hear the party, in seconds of the recording."""
    spans: list[tuple[float, float]] = []
    for (at, hears), until in zip(routes, [at for at, _ in routes[1:]] + [end], strict=True):
        if any(party in others for others in hears.values()):
            if spans and abs(spans[-1][1] - (at - begin)) < 1e-6:
                spans[-1] = (spans[-1][0], until - begin)
            else:
                spans.append((at - begin, until - begin))
    return spans


def silences(spans: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    edges = [0.0, *(edge for span in spans for edge in span), seconds]
    return list(zip(edges[::2], edges[1::2], strict=True))
