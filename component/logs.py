"""Logs as one key=value line each, on stderr or in --log-dir, by the standard library's logging."""

from __future__ import annotations

from dataclasses import dataclass

from component.flags import flag


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """The log flags that every daemon takes (subclass this for a daemon's Options)."""

    v: int = flag(0, shorthand="v", help="number for the log level verbosity", minimum=0, group="Logs")
    logtostderr: bool = flag(True, help="log to standard error instead of files", group="Logs")
    alsologtostderr: bool = flag(False, help="log to standard error as well as files", group="Logs")
    log_dir: str = flag("", help="if non-empty, write log files in this directory", group="Logs")
    vmodule: str = flag("", help="comma-separated list of pattern=N settings", group="Logs")


def configure(options: LogOptions, program: str) -> None:
    """Set the root logger up. Level: WARNING and INFO at v<4, DEBUG from v=4. Each line:
    `2026-01-02T03:04:05.678Z I scheduler.loop msg="Bound pod" pod=default/web node=n1`. Modules log with
    `logger = logging.getLogger(__name__)` and `logger.info("Bound pod", extra={"pod": ..., "node": ...})`."""
    raise NotImplementedError
