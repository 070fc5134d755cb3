"""Logs as one key=value line each, or one JSON object, on stderr or in --log-dir, by the standard library's logging."""

from __future__ import annotations

import fnmatch
import json
import logging
import logging.handlers
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from component.flags import WithoutEffect, flag
from component.flagvalues import integer

#: What logging itself puts on a record; every other attribute came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LETTERS = {logging.DEBUG: "D", logging.INFO: "I", logging.WARNING: "W", logging.ERROR: "E", logging.CRITICAL: "F"}
_DEBUG_FROM_V = 4
_FILE_BYTES = 100 << 20
_FILES_KEPT = 4


def _module_levels(text: str) -> dict[str, int]:
    """--vmodule: "pattern=N,..." as pattern to verbosity."""
    levels = {}
    for part in filter(None, text.split(",")):
        pattern, equals, level = part.partition("=")
        if not equals or not pattern:
            raise ValueError(f"{part} must be formatted as pattern=N")
        levels[pattern.strip()] = integer(level)
    return levels


def _checked_vmodule(text: str) -> str:
    _module_levels(text)
    return text


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """The log flags that every daemon takes (subclass this for a daemon's Options)."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect(
            "every line is written at once, to one stream",
            values=("log-flush-frequency", "log-json-info-buffer-size"),
            switches=("log-json-split-stream",),
        ),
    )

    v: int = flag(0, shorthand="v", help="number for the log level verbosity", minimum=0, group="Logs")
    logtostderr: bool = flag(True, help="log to standard error instead of files", group="Logs")
    alsologtostderr: bool = flag(False, help="log to standard error as well as files", group="Logs")
    log_dir: str = flag("", help="if non-empty, write log files in this directory", group="Logs")
    vmodule: str = flag("", help="comma-separated list of pattern=N settings", parse=_checked_vmodule, group="Logs")
    logging_format: str = flag("text", help="format of log lines", choices=("text", "json"), group="Logs")


class KeyValueFormatter(logging.Formatter):
    """`2026-01-02T03:04:05.678Z I scheduler.loop msg="Bound pod" pod=default/web node=n1`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback becomes one quoted value."""
        moment = datetime.fromtimestamp(record.created, UTC)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        letter = _LETTERS.get(record.levelno, "I")
        parts = [stamp, letter, record.name, f"msg={_quoted(record.getMessage(), always=True)}"]
        parts += [f"{key}={_quoted(value)}" for key, value in vars(record).items() if key not in _STANDARD]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(f"traceback={_quoted(self.formatException(record.exc_info), always=True)}")
        return " ".join(parts)


class JsonFormatter(logging.Formatter):
    """`{"ts":1767323045678.1,"caller":"loop.py:42","msg":"Bound pod","v":0,"pod":"default/web"}`, the fields of the
    reference's --logging-format=json: `ts` in milliseconds, `v` for what is no error, `err` for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; values that JSON cannot say are their text."""
        line: dict[str, Any] = {
            "ts": round(record.created * 1000, 4),
            "caller": f"{record.filename}:{record.lineno}",
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.levelno < logging.ERROR:
            line["v"] = 0 if record.levelno >= logging.INFO else _DEBUG_FROM_V
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line["err"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


def _quoted(value: Any, *, always: bool = False) -> str:
    text = str(value)
    if not always and text and not any(char in text for char in ' "=\n\t\\'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


class VerbosityFilter(logging.Filter):
    """Lets DEBUG pass from v=4, or where --vmodule raises a module's own verbosity to that."""

    def __init__(self, v: int, modules: Mapping[str, int]) -> None:
        super().__init__()

        @lru_cache(maxsize=512)
        def level_of(name: str) -> int:
            last = name.rpartition(".")[2]
            matching = [n for pattern, n in modules.items() if fnmatch.fnmatch(last, pattern) or pattern == name]
            verbosity = matching[0] if matching else v
            return logging.DEBUG if verbosity >= _DEBUG_FROM_V else logging.INFO

        self._level_of = level_of

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        return record.levelno >= self._level_of(record.name)


def configure(options: LogOptions, program: str) -> None:
    """Set the root logger up. Level: WARNING and INFO at v<4, DEBUG from v=4. Each line:
    `2026-01-02T03:04:05.678Z I scheduler.loop msg="Bound pod" pod=default/web node=n1`. Modules log with
    `logger = logging.getLogger(__name__)` and `logger.info("Bound pod", extra={"pod": ..., "node": ...})`.
    Raises OSError where --log-dir cannot be written."""
    modules = _module_levels(options.vmodule)
    to_file = bool(options.log_dir) and not options.logtostderr
    handlers: list[logging.Handler] = []
    if to_file:
        directory = Path(options.log_dir)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{program}.log"
        handlers.append(
            logging.handlers.RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
        )
    if not to_file or options.alsologtostderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    verbosity = VerbosityFilter(options.v, modules)
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if options.logging_format == "json" else KeyValueFormatter())
        handler.addFilter(verbosity)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    wants_debug = max([options.v, *modules.values()]) >= _DEBUG_FROM_V
    root.setLevel(logging.DEBUG if wants_debug else logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.raiseExceptions = False
