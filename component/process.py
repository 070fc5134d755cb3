"""One daemon's life: options, logs, signals, background tasks, health, systemd notification, exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class FatalError(Exception):
    """Cannot go on: the one line is logged and the process exits with 1."""


class Process:
    """What a running daemon's `serve` is given."""

    name: str  #: "kube-scheduler"
    stopping: asyncio.Event  #: set on SIGTERM or SIGINT

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A background task that this process owns: if it ends by an exception, the process logs it, stops, exits 1."""
        raise NotImplementedError

    def add_health_check(self, name: str, check: Callable[[], Awaitable[str | None] | str | None]) -> None:
        """A check of /healthz, /livez and /readyz; it returns what is wrong, or None."""
        raise NotImplementedError

    async def serve_health(self, address: str, port: int, *, tls: bool = False) -> None:
        """Serve /healthz /livez /readyz (each with ?verbose and per-check paths), /metrics, /version and /configz
        at address:port (0: not at all). Raises FatalError with one line when the port is in use."""
        raise NotImplementedError

    def ready(self, status: str = "") -> None:
        """Tell systemd READY=1 (Type=notify) where NOTIFY_SOCKET is set, and keep its watchdog fed."""
        raise NotImplementedError


def run_process(serve: Callable[[T, Process], Coroutine[Any, Any, None]], options: type[T], argv: Sequence[str] | None,
                *, name: str, description: str) -> int:
    """Parse flags, set up logs, run `serve(options, process)` on uvloop until it returns, a task dies or a signal comes.

    Returns the exit code. The first SIGTERM or SIGINT sets `process.stopping` and then cancels `serve` (it has
    30 s to clean up); a second one exits at once. Options with fields of `LogOptions` get them applied."""
    raise NotImplementedError
