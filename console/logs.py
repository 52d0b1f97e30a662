"""Structured logs of every process: readable lines for people, or JSON. Telephone numbers are masked in both."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from console.config import LogConfig

#: a run of digits that may be somebody's number; not part of a word, an id, an address or a decimal
_NUMBER = re.compile(
    r"(?<![\w.:/-])(\+?\d{7,15})(?![\w:-]|\.\w)|(?:(?<=sip:)|(?<=sips:))(\+?\d{7,15})(?=@)|(?<=tel:)(\+?\d{7,15})\b"
)
#: what would begin a new line, or write over one, in the log of a terminal: names and numbers come from outside
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: our own text of several lines
_TRACES = ("exception", "stack")
_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets", "asyncio", "alembic")

Record = MutableMapping[str, Any]


def masked(text: str) -> str:
    """``text`` with what looks like a telephone number shortened: ``138****5678``."""
    return _NUMBER.sub(lambda found: _short(found.group(0)), text)


def _short(number: str) -> str:
    keep = 3 if len(number) >= 10 else 2
    return f"{number[:keep]}****{number[-4:]}" if len(number) >= 10 else f"{number[:keep]}****{number[-2:]}"


def mask_numbers(_logger: Any, _method: str, record: Record) -> Record:
    """structlog processor: masks every text of a record, in lists and maps too."""
    return {key: _masked_value(value) for key, value in record.items()}


def one_line(_logger: Any, _method: str, record: Record) -> Record:
    """structlog processor: control characters of a record's texts become escapes, so that nobody can forge a line."""
    return {
        key: _CONTROL.sub(lambda found: repr(found.group())[1:-1], value)
        if isinstance(value, str) and key not in _TRACES
        else value
        for key, value in record.items()
    }


def _masked_value(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _masked_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_value(item) for item in value]
    return value


def configure_logging(config: LogConfig, process: str) -> None:
    """Set up ``structlog`` and the standard ``logging`` of this process, both to standard error in one form."""

    def name_process(_logger: Any, _method: str, record: Record) -> Record:
        record.setdefault("process", process)
        return record

    json = config.format == "json"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        name_process,
        structlog.processors.TimeStamper(fmt="iso", utc=json),
        structlog.processors.format_exc_info,
        structlog.stdlib.ExtraAdder(),
        mask_numbers,
        one_line,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
