"""The ``sansheng`` command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from console import __version__
from console.cli import COMMANDS, main
from console.config_file import load_config
from storage.database import open_engine, transaction
from storage.event_log import append_events


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "sansheng.toml"
    path.write_text('data = "data"\n[[lines]]\nname = "pbx"\npeers = ["192.0.2.0/24"]\npassword = "hush-hush"\n')
    monkeypatch.delenv("SANSHENG_PASSWORD", raising=False)
    assert main(["migrate", "--config", str(path)]) == 0
    return str(path)


def test_help_lists_every_command_without_loading_the_heavy_parts() -> None:
    probe = (
        "import sys; from console.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sqlalchemy','starlette','uvicorn','sippy','phonenumbers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"sansheng {__version__}"


@pytest.mark.parametrize("words", [[], ["fly"], ["user"], ["user", "add"], ["rules", "set", "three_rings", "many"]])
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage: sansheng " + command in capsys.readouterr().out


def test_a_rebuild_says_what_it_would_do_and_does_it_when_told_to(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(load_config(config).database)
    started = {"type": "call.started", "direction": "inbound", "line": "pbx", "number": "13805711001", "call": "c1"}
    with transaction(engine) as conn:
        append_events(conn, [{**started, "node": "p", "sequence": 1, "at": 1.0, "monotonic": 0}])
        conn.execute(text("UPDATE calls SET line = ''"))
    capsys.readouterr()

    def rebuild(*words: str) -> str:
        assert main(["rebuild", *words, "--config", config]) == 0
        return capsys.readouterr().out

    told = rebuild()
    assert "1 calls have events" in told
    assert "1 of 1 would be brought up to date\n  line: 1\nnothing was written" in told
    assert rebuild() == told
    assert "1 of 1 were brought up to date\n  line: 1\n" in rebuild("--write")
    assert "0 of 1 would be brought up to date" in rebuild()
    engine.dispose()


def test_a_rebuild_of_what_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SANSHENG_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["rebuild"]) == 1
    assert "run sansheng migrate first" in capsys.readouterr().err
    monkeypatch.setenv("SANSHENG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert main(["rebuild"]) == 1
    assert "the database cannot be used" in capsys.readouterr().err


def test_a_user_is_added_listed_disabled_and_given_a_new_password(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--config", config]
    assert main(["user", "add", "agent7", "--role", "agent", "--name", "七号", "--generate", *options]) == 0
    password = capsys.readouterr().out.split("password of agent7: ")[1].strip()
    assert len(password) >= 12
    assert main(["user", "list", *options]) == 0
    assert "agent7" in capsys.readouterr().out
    assert main(["user", "disable", "agent7", *options]) == 0
    main(["user", "list", *options])
    assert "disabled" in capsys.readouterr().out
    assert main(["user", "enable", "agent7", *options]) == 0
    monkeypatch.setenv("SANSHENG_PASSWORD", "another password")
    assert main(["user", "password", "agent7", *options]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["user", "disable", "nobody"], "there is no user 'nobody'"),
        (["user", "add", "Bad Name", "--role", "agent", "--generate"], "a user name is"),
        (["rules", "set", "no_such_rule", "1"], "there is no rule"),
        (["rules", "set", "three_rings", "0"], "must be"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(
    config: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main([*words, "--config", config]) == 1
    out, error = capsys.readouterr()
    assert told in error
    assert "password of" not in out
    assert "Traceback" not in error


def test_rules_are_shown_and_set(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "set", "three_rings", "4", "--note", "trial", "--config", config]) == 0
    assert "three_rings = 4 rings (version 2)" in capsys.readouterr().out
    assert main(["rules", "show", "--config", config]) == 0
    assert "three_rings" in capsys.readouterr().out


def test_the_configuration_is_checked_without_showing_passwords(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "--config", config]) == 0
    shown = capsys.readouterr().out
    assert "pbx: trunk, 192.0.2.0/24" in shown
    assert "hush-hush" not in shown
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[http]\nprot = 1\n")
    with pytest.raises(SystemExit) as ended:
        main(["config", "check", "--config", str(wrong)])
    assert ended.value.code == 2
    assert "wrong.toml:2: http.prot: there is no such setting; did you mean http.port?" in capsys.readouterr().err


def test_a_database_that_was_never_migrated_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.toml"
    path.write_text('data = "new"\n')
    assert main(["user", "list", "--config", str(path)]) == 1
    assert "was it migrated?" in capsys.readouterr().err


def test_a_database_of_a_newer_version_is_left_alone_and_told(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = open_engine(load_config(config, {}).database)
    with transaction(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert main(["migrate", "--config", config]) == 1
    assert "it has the schema 9999, which only a newer version knows" in capsys.readouterr().err
