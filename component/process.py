"""One daemon's life: options, logs, signals, background tasks, health, systemd notification, exit code."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from component import flags, logs, metrics, sdnotify
from component.eventloop import EventLoop
from component.health import Check, HealthChecks
from component.healthserver import HealthServer, serving_context
from component.version import PROGRAM_VERSION

T = TypeVar("T")
logger = logging.getLogger(__name__)
_CLEANUP_SECONDS = 30.0
_EXIT_SECONDS = 5.0


class FatalError(Exception):
    """Cannot go on: the one line is logged and the process exits with 1."""


class Process:
    """What a running daemon's `serve` is given."""

    name: str  #: "kube-scheduler"
    stopping: asyncio.Event  #: set on SIGTERM or SIGINT
    is_ready: asyncio.Event  #: set by `ready`

    def __init__(self, name: str, options: Any = None) -> None:
        self.name = name
        self.stopping = asyncio.Event()
        self.is_ready = asyncio.Event()
        self.health = HealthChecks()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._configuration = _plain(options)
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._servers: list[HealthServer] = []

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A background task that this process owns: if it ends by an exception, the process logs it, stops, exits 1."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def add_health_check(self, name: str, check: Check, *, readiness_only: bool = False) -> None:
        """A check of /healthz, /livez and /readyz, or of /readyz alone; it returns what is wrong, or None."""
        self.health.add(name, check, readiness_only=readiness_only)

    async def serve_health(
        self, address: str, port: int, *, tls: bool = False, cert_file: str = "", key_file: str = "",
        texts: Mapping[str, str] = MappingProxyType({}), aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Serve /healthz /livez /readyz (each with ?verbose and per-check paths), /version, /metrics
        and /configz at address:port (0: not at all), over TLS with the given certificate or one made at start, and
        `texts` by path. `aliases`: other names, each for one of the first three. Nobody is asked who they are. Raises
        FatalError with one line when the port is in use."""
        if port == 0:
            return
        server = HealthServer(self.name, self.health, self._configuration, texts=texts, aliases=aliases)
        try:
            context = await serving_context(self.name, cert_file, key_file) if tls else None
            await server.start(address, port, context=context)
        except OSError as error:
            raise FatalError(str(error)) from error
        self._servers.append(server)

    def ready(self, status: str = "") -> None:
        """Tell systemd READY=1 (Type=notify) where NOTIFY_SOCKET is set, and keep its watchdog fed."""
        self.is_ready.set()
        # What exists by now mostly stays for ever: leave it out of every later garbage collection.
        gc.collect()
        gc.freeze()
        if sdnotify.notify(f"READY=1\nSTATUS={status}" if status else "READY=1"):
            interval = sdnotify.watchdog_seconds()
            if interval:
                self.spawn("sd-watchdog", _feed_watchdog(interval))

    def status(self, text: str) -> None:
        """What `systemctl status` shows from now on."""
        sdnotify.notify(f"STATUS={text}")

    async def close(self) -> None:
        """Cancel the background tasks, the youngest first, wait for them, and stop the health servers."""
        for task in reversed(list(self._tasks)):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_CLEANUP_SECONDS)
        for server in self._servers:
            await server.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        if self.failed.done():
            logger.error("Background task died as well", extra={"task": task.get_name(), "error": repr(error)})
        else:
            error.add_note(f"in background task {task.get_name()}")
            self.failed.set_result(error)


def _plain(options: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(options) or isinstance(options, type):
        return {}
    return dataclasses.asdict(options)


async def _feed_watchdog(interval: float) -> None:
    while True:
        sdnotify.notify("WATCHDOG=1")
        await asyncio.sleep(interval)


def run_process(
    serve: Callable[[T, Process], Coroutine[Any, Any, None]],
    options: type[T],
    argv: Sequence[str] | None,
    *,
    name: str,
    description: str,
) -> int:
    """Parse flags, set up logs, run `serve(options, process)` on uvloop until it returns, a task dies or
    a signal comes.

    Returns the exit code. The first SIGTERM or SIGINT sets `process.stopping` and then cancels `serve` (it has
    30 s to clean up); a second one exits at once. Options with fields of `LogOptions` get them applied."""
    try:
        parsed = flags.parse(options, argv, program=name, description=description)
        logs.configure(parsed if isinstance(parsed, logs.LogOptions) else logs.LogOptions(), name)
    except SystemExit as end:
        return int(end.code or 0)
    except OSError as error:
        sys.stderr.write(f"Error: cannot write logs: {error}\n")
        return 1
    metrics.configure()
    logger.info("Starting", extra={"program": name, "version": PROGRAM_VERSION, "pid": os.getpid()})
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        code = runner.run(_supervise(serve, parsed, name))
        _leave_by_force(code)
    logging.shutdown()
    return code


def _leave_by_force(code: int) -> None:
    """End the process soon, whatever threads still do: a call that hangs in one of them would hold it for ever."""

    def leave() -> None:
        logger.warning("Leaving though threads are still at work", extra={"seconds": _EXIT_SECONDS})
        logging.shutdown()
        os._exit(code)

    timer = threading.Timer(_EXIT_SECONDS, leave)
    timer.daemon = True
    timer.start()


async def _supervise(serve: Callable[[T, Process], Coroutine[Any, Any, None]], options: T, name: str) -> int:
    process = Process(name, options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, process, number)
    main = asyncio.create_task(serve(options, process), name="serve")
    stopping = asyncio.create_task(process.stopping.wait(), name="signals")
    waited: set[asyncio.Future[Any]] = {main, stopping, process.failed}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    error = process.failed.result() if process.failed.done() else None
    if not main.done():
        sdnotify.notify("STOPPING=1")
        main.cancel()
        await asyncio.wait({main}, timeout=_CLEANUP_SECONDS)
    if error is None and main.done() and not main.cancelled():
        error = main.exception()
    await process.close()
    if error is None:
        logger.info("Stopped", extra={"program": name})
        return 0
    _report(error, name)
    return 1


def _on_signal(process: Process, number: int) -> None:
    if process.stopping.is_set():
        os._exit(1)
    logger.info("Shutting down", extra={"signal": signal.Signals(number).name})
    process.stopping.set()
    asyncio.get_running_loop().set_exception_handler(_on_loop_error)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """While the process ends connections are cut as they are: what the event loop says of that is no error."""
    if context.get("transport") is None:
        loop.default_exception_handler(context)
        return
    logger.debug("A connection was cut", extra={"error": repr(context.get("exception") or context.get("message"))})


def _report(error: BaseException, name: str) -> None:
    """The one line of why the process ends; a traceback only where the program itself is at fault."""
    expected = isinstance(error, FatalError) or getattr(error, "fatal", False)
    message = str(error) if expected else f"Unexpected {type(error).__name__}: {error}"
    notes = {"where": "; ".join(error.__notes__)} if not expected and getattr(error, "__notes__", None) else {}
    logger.critical(message, extra=notes, exc_info=None if expected else error)
    on_stderr = any(getattr(handler, "stream", None) is sys.stderr for handler in logging.getLogger().handlers)
    if not on_stderr:
        sys.stderr.write(f"{name}: {message}\n")
