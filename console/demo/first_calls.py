"""The first calls of an empty demo: an automatic agent takes a few, so that log, replay and audit are not empty.

They are real calls through the real parts. The log marks them by their agent, ``autoagent1`` or ``autoagent2``: users
of their own that are locked again afterwards.
"""

from __future__ import annotations

import secrets
import sys
import time
import wave
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from console.config import ConsoleConfig
from console.demo.callers import clip
from console.demo.callers.conversation import DESK
from console.demo.children import Child, agent_command
from recordings.draw import METHOD_VERSION, draw, new_seed
from storage import audits
from storage.database import open_engine, reading, transaction
from storage.users import UserError, create_user, update_user
from telephony.media.g711 import decode

USERS = {"autoagent1": "演示坐席(自动)一", "autoagent2": "演示坐席(自动)二"}
CALLS = 4
DRAWN = 3
REVIEWER = "reviewer1"

#: then the automatic agents leave, whatever they have done
LONGEST = 180.0
#: for the worker to finish the last recording
FINISHING = 60.0
#: between the sentences, for the patient's own (seconds)
PAUSE = 3.5


class FirstCalls:
    """Call :meth:`tick` about each second until it gives False; :meth:`stop` at the end in any case."""

    def __init__(self, config: ConsoleConfig, url: str) -> None:
        """Signs the automatic agents in, each in a process of its own. Raises ``OSError``, ``SQLAlchemyError``."""
        self._engine = open_engine(config.database)
        self._began = time.monotonic()
        self._left: float | None = None
        self._over = False
        password = secrets.token_urlsafe(24)
        with transaction(self._engine) as conn:
            for user, display_name in USERS.items():
                try:
                    create_user(conn, user, password, "agent", display_name)
                except UserError:
                    update_user(conn, user, password=password, active=True)
        sound = config.data / "run" / "autoagent.wav"
        write_desk_sound(sound)
        self._agents = [
            Child(
                user,
                agent_command(url, user, sound, CALLS // len(USERS)),
                environment={"SANSHENG_PASSWORD": password},
                log=config.data / "run" / f"{user}.log",
            )
            for user in USERS
        ]

    def tick(self) -> bool:
        """False once nothing is left to do. Trouble is told on standard error: the demo goes on without."""
        if self._over:
            return False
        try:
            self._step()
        except (OSError, SQLAlchemyError, UserError, audits.AuditError) as problem:
            print(f"sansheng demo: no first calls: {problem}", file=sys.stderr)
            self._over = True
        return not self._over

    def stop(self) -> None:
        try:
            self._send_home()
        except (OSError, SQLAlchemyError, UserError) as problem:
            print(f"sansheng demo: the automatic agents stay unlocked: {problem}", file=sys.stderr)
        self._engine.dispose()

    def _step(self) -> None:
        now = time.monotonic()
        if self._left is None:
            if any(agent.poll() is None for agent in self._agents) and now - self._began < LONGEST:
                return
            self._send_home()
            self._left = now
        with reading(self._engine) as conn:
            ready = len(audits.candidates(conn))
        if ready < CALLS and now - self._left < FINISHING:
            return
        drawn = draw_for_reviewer(self._engine, DRAWN) if ready else 0
        print(f"  {ready} first calls are in the log; {drawn} drawn at random wait for {REVIEWER}", flush=True)
        self._over = True

    def _send_home(self) -> None:
        for agent in self._agents:
            agent.stop()
        with transaction(self._engine) as conn:
            for user in USERS:
                update_user(conn, user, active=False)


def wanted(config: ConsoleConfig) -> bool:
    """Whether the log still lacks calls with a finished recording."""
    engine = open_engine(config.database)
    try:
        with reading(engine) as conn:
            return not audits.candidates(conn, again=True)
    finally:
        engine.dispose()


def draw_for_reviewer(engine: Engine, n: int) -> int:
    """Draw as the quality desk does and put the calls on the reviewer's list; gives how many."""
    with transaction(engine) as conn:
        candidates = audits.candidates(conn)
        seed = new_seed()
        drawn = draw(candidates, n, seed)
        audits.save_draw(
            conn,
            seed=seed,
            n=n,
            method_version=METHOD_VERSION,
            criteria={},
            candidates=candidates,
            drawn=drawn,
            by=next(iter(USERS)),
            reviewers=[REVIEWER],
        )
        return len(drawn)


def write_desk_sound(path: Path) -> None:
    """The desk's sentences with pauses between them, 8 kHz mono, 16 bit. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pause = [clip.SILENCE] * round(PAUSE / 0.02)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        for name in DESK.clip_names():
            for frame in (*clip.frames(clip.FOLDER / name), *pause):
                file.writeframes(decode(frame, 8))
