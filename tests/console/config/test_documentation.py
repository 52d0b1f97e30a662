"""The configuration page shows a file that is valid and leaves no setting out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from console.config_file import load_config, variables

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_documented_file_is_valid_and_complete(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    text = found.group(1)
    file = tmp_path / "sansheng.toml"
    file.write_text(text)
    assert load_config(file, environ={}).lines[0].name == "trunk"
    given = tomllib.loads(text)
    documented = {
        f"{key}.{inner}" if isinstance(value, dict) else key
        for key, value in given.items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    assert set(variables().values()) <= documented
