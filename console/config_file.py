"""Reading the configuration: one TOML file, then ``SANSHENG_*`` variables over it. Every error names the key."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from console.config import ConfigError, ConsoleConfig, check

PREFIX = "SANSHENG_"
DEFAULT_FILE = "sansheng.toml"
#: variables that are not settings of the configuration
_OTHER_VARIABLES = re.compile(r"SANSHENG_(CONFIG|PASSWORD|(DEMO|TEST|BENCH)_\w+)$")
_AT = re.compile(r"^(.*) - at `(?:key in )?\$\.?([^`]*)`$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """The file's name and text, to tell where a wrong key stands."""

    name: str
    text: str

    def place(self, key: str) -> str:
        """``name:line: `` of a key such as ``http.port`` or ``lines[1].mode``; only the name when not found."""
        line = line_of(self.text, key)
        return f"{self.name}:{line}: " if line else f"{self.name}: "


def load_config(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> ConsoleConfig:
    """The configuration from ``path``, else ``SANSHENG_CONFIG``, else ``sansheng.toml`` if it is there, else defaults;
    then the ``SANSHENG_*`` variables. A relative ``data`` in the file is relative to the file.

    Raises ConfigError with one sentence that names the key.
    """
    environ = os.environ if environ is None else environ
    chosen = path or environ.get("SANSHENG_CONFIG") or None
    if chosen is None and Path(DEFAULT_FILE).is_file():
        chosen = DEFAULT_FILE
    config = ConsoleConfig()
    source = Source("", "")
    if chosen is not None:
        config, source = _from_file(Path(chosen))
    config = _with_variables(config, environ)
    try:
        check(config)
    except ConfigError as problem:
        key = str(problem).partition(":")[0]
        place = source.place(key) if source.name and line_of(source.text, key) else ""
        raise ConfigError(f"{place}{problem}") from None
    return config


def config_from_map(given: Mapping[str, Any]) -> ConsoleConfig:
    """A configuration from a plain map with the file's keys. Raises ConfigError."""
    _refuse_unknown(given, ConsoleConfig, "", Source("", ""))
    return _convert(given, Source("", ""))


def _from_file(path: Path) -> tuple[ConsoleConfig, Source]:
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"cannot read the configuration {path}: {problem.strerror}") from None
    try:
        text = raw.decode()
        given = tomllib.loads(text)
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path}: is not UTF-8 (byte {problem.start})") from None
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"{path}: is not valid TOML: {problem}") from None
    source = Source(str(path), text)
    _refuse_unknown(given, ConsoleConfig, "", source)
    config = _convert(given, source)
    if "data" in given:
        config = replace(config, data=path.parent / config.data)
    return config, source


def _convert(given: Mapping[str, Any], source: Source) -> ConsoleConfig:
    try:
        return msgspec.convert(given, ConsoleConfig, dec_hook=_path)
    except msgspec.ValidationError as problem:
        at = _AT.match(str(problem))
        sentence, key = (at.group(1), at.group(2)) if at else (str(problem), "")
        missing = re.search(r"missing required field `(\w+)`", sentence)
        if missing:
            key = f"{key}.{missing.group(1)}" if key else missing.group(1)
            sentence = "is missing"
        raise ConfigError(f"{source.place(key) if source.name else ''}{key}: {sentence}") from None


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"Expected `str`, got `{type(value).__name__}`")


def _refuse_unknown(given: Mapping[str, Any], kind: type, prefix: str, source: Source) -> None:
    hints = typing.get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    for key, value in given.items():
        full = f"{prefix}{key}"
        if key not in hints:
            raise ConfigError(f"{source.place(full) if source.name else ''}{_unknown(full, key, known, prefix)}")
        inner = hints[key]
        if is_dataclass(inner) and isinstance(inner, type) and isinstance(value, dict):
            _refuse_unknown(value, inner, f"{full}.", source)
            continue
        parts = [part for part in typing.get_args(inner) if is_dataclass(part) and isinstance(part, type)]
        if parts and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    _refuse_unknown(item, parts[0], f"{full}[{index}].", source)
        elif parts and isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, dict):
                    _refuse_unknown(item, parts[0], f"{full}.{name}.", source)


def _unknown(full: str, key: str, known: list[str], prefix: str) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"{full}: there is no such setting; did you mean {prefix}{close[0]}?"
    return f"{full}: there is no such setting; known are {', '.join(known)}"


def variables() -> dict[str, str]:
    """Every ``SANSHENG_*`` variable that sets something, and the key it sets."""
    found: dict[str, str] = {}

    def walk(kind: type, prefix: str) -> None:
        hints = typing.get_type_hints(kind)
        for field in fields(kind):
            inner = hints[field.name]
            if is_dataclass(inner) and isinstance(inner, type):
                walk(inner, f"{prefix}{field.name}.")
            elif field.name not in ("lines", "line_scripts"):
                key = f"{prefix}{field.name}"
                found[PREFIX + key.replace(".", "_").upper()] = key

    walk(ConsoleConfig, "")
    return found


def _with_variables(config: ConsoleConfig, environ: Mapping[str, str]) -> ConsoleConfig:
    known = variables()
    for name in sorted(environ):
        if not name.startswith(PREFIX) or _OTHER_VARIABLES.match(name):
            continue
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"{name}: there is no such variable{hint}")
        if environ[name] == "":
            continue
        config = _set(config, known[name].split("."), environ[name], name)
    return config


def _set(record: Any, path: list[str], text: str, variable: str) -> Any:
    name, rest = path[0], path[1:]
    if rest:
        return replace(record, **{name: _set(getattr(record, name), rest, text, variable)})
    kind = typing.get_type_hints(type(record), include_extras=True)[name]
    value: Any = text
    origin = typing.get_origin(kind)
    if origin in (tuple, list) or isinstance(kind, types.GenericAlias):
        value = [part.strip() for part in text.split(",") if part.strip()]
    elif kind is bool:
        value = {"yes": "true", "no": "false", "on": "true", "off": "false"}.get(text.lower(), text)
    try:
        return replace(record, **{name: msgspec.convert(value, kind, strict=False, dec_hook=_path)})
    except msgspec.ValidationError as problem:
        sentence = _AT.sub(r"\1", str(problem))
        raise ConfigError(f"{variable}: {sentence} (it is {text!r})") from None


def line_of(text: str, key: str) -> int:
    """The 1-based line in TOML ``text`` where ``key`` (``http.port``, ``lines[1].mode``) is set, or that of its
    table; 0 when neither is found."""
    wanted = re.findall(r"[^.\[\]]+", key)
    counts: dict[str, int] = {}
    here: list[str] = []
    best = 0
    for number, line in enumerate(text.splitlines(), 1):
        table = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if table and not re.match(r"\s*\[\[?[^\]]*\]\]?\s*=", line):
            name = table.group(2).replace('"', "")
            here = [part.strip() for part in name.split(".")]
            if table.group(1) == "[[":
                index = counts.get(name, -1) + 1
                counts[name] = index
                here.append(str(index))
            if here == wanted[: len(here)]:
                best = number
            continue
        setting = re.match(r'\s*("?[\w.-]+"?(?:\s*\.\s*"?[\w-]+"?)*)\s*=', line)
        if setting:
            parts = [part.strip().strip('"') for part in setting.group(1).split(".")]
            full = here + parts
            if full == wanted:
                return number
            if full == wanted[: len(full)]:
                best = number
    return best
