"""The demo users' password: given, kept, made."""

from __future__ import annotations

import stat
from pathlib import Path

from console.demo.password import FILE, demo_password


def test_the_variable_wins_and_leaves_no_file(tmp_path: Path) -> None:
    assert demo_password(tmp_path, {"SANSHENG_DEMO_PASSWORD": "from-outside"})[0] == "from-outside"
    assert not (tmp_path / FILE).exists()


def test_without_it_one_is_made_kept_for_its_owner_only_and_found_again(tmp_path: Path) -> None:
    made, where = demo_password(tmp_path, {})

    assert len(made) >= 12
    assert str(tmp_path / FILE) in where
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert demo_password(tmp_path, {})[0] == made


def test_two_houses_get_two_passwords(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert demo_password(tmp_path / "a", {})[0] != demo_password(tmp_path / "b", {})[0]


def test_an_emptied_file_is_filled_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("\n")

    made = demo_password(tmp_path, {})[0]

    assert made
    assert (tmp_path / FILE).read_text().strip() == made
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
