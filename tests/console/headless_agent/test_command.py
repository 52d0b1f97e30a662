import argparse
import socket
from pathlib import Path

import pytest

from console.headless_agent import add_arguments, run


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--user", "agent1", *words])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_a_password_it_says_where_to_put_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SANSHENG_PASSWORD", raising=False)
    assert run(arguments()) == 2
    assert "SANSHENG_PASSWORD" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8080", "http://"])
def test_an_address_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("SANSHENG_PASSWORD", "x")
    assert run(arguments("--url", url)) == 2
    assert "no address of a console" in capsys.readouterr().err


def test_a_file_that_cannot_be_played_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SANSHENG_PASSWORD", "x")
    (tmp_path / "not.wav").write_text("no sound")
    for name in ("not.wav", "missing.wav"):
        assert run(arguments("--play", str(tmp_path / name))) == 2
        assert name in capsys.readouterr().err


def test_a_console_that_is_not_there_ends_it_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SANSHENG_PASSWORD", "x")
    assert run(arguments("--url", f"http://127.0.0.1:{free_port()}")) == 1
    assert "refused" in capsys.readouterr().err
