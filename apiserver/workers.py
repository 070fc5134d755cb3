"""--workers: several processes serve one port, each a whole API server on the same etcd with caches of its own.

The kernel spreads connections among them (SO_REUSEPORT). This process starts them, the first one alone until it is
ready (it makes certificates and bootstrap objects), starts anew those that die, and ends them all with itself."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from apiserver.options import Options
from apiserver.scraping import SupervisorEnd
from component.process import FatalError, Process

logger = logging.getLogger(__name__)

_START_SECONDS = 90.0
_STOP_SECONDS = 25.0
_RESTART_SECONDS = (1.0, 10.0)  #: first and longest wait before a dead worker is started anew
_SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_PR_SET_PDEATHSIG = 1


def check(options: Options) -> None:
    """Raises FatalError where several workers make no sense."""
    if options.storage_backend == "sqlite":
        raise FatalError("--workers: the embedded store is of one process; several workers need etcd")


def worker_flags(options: Options) -> list[str]:
    """What a worker is told beside the server's own flags: its part of what there is. Pure."""
    part = options.workers
    reads, writes = options.max_requests_inflight, options.max_mutating_requests_inflight
    return [
        "--workers=1",
        "--permit-port-sharing=true",
        f"--max-requests-inflight={-(-reads // part)}",
        f"--max-mutating-requests-inflight={-(-writes // part)}",
    ]


async def supervise(options: Options, argv: Sequence[str], process: Process) -> None:
    """Keep the workers running until cancelled; raises FatalError where the first does not start."""
    check(options)
    metrics = SupervisorEnd()
    with _reserved(options):
        workers = [
            _Worker(index, [*argv, *worker_flags(options)], metrics, process) for index in range(options.workers)
        ]
        try:
            await workers[0].start()
            await asyncio.gather(*(worker.start() for worker in workers[1:]))
            for worker in workers:
                process.spawn(f"worker-{worker.index}", worker.keep_running())
            process.ready(f"serving by {len(workers)} workers")
            logger.info("Serving", extra={"workers": len(workers), "port": options.secure_port})
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers))


@contextmanager
def _reserved(options: Options) -> Iterator[None]:
    """Hold the ports, so that no other program gets them while a worker is started anew; raises FatalError."""
    wanted = [(options.bind_address, options.secure_port)]
    if options.insecure_port:
        wanted.append((options.insecure_bind_address, options.insecure_port))
    held: list[socket.socket] = []
    try:
        for address, port in wanted:
            for shared in (False, True):  # first whether anybody is there, then to stay
                held.append(_bound(address, port, shared=shared))
                if not shared:
                    held.pop().close()
        yield
    finally:
        for each in held:
            each.close()


def _bound(address: str, port: int, *, shared: bool) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address, port))
    except OSError as error:
        made.close()
        why = "address already in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise FatalError(f"failed to listen on {address}:{port}: {why}") from error
    return made


class _Worker:
    """One process, the socket on which it says that it is ready, and the one for metrics."""

    def __init__(self, index: int, flags: Sequence[str], metrics: SupervisorEnd, parent: Process) -> None:
        self.index = index
        self._flags = tuple(flags)
        self._metrics = metrics
        self._parent = parent
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready; raises FatalError where it ends or takes too long."""
        name = f"@kube-apiserver-{os.getpid()}-{self.index}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.bind("\0" + name[1:])
            environment = {key: value for key, value in os.environ.items() if key not in _SYSTEMD}
            environment["NOTIFY_SOCKET"] = name
            root = str(Path(__file__).parents[1])
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
            started = self._process = await self._spawn(environment)
            logger.info("Worker started", extra={"worker": self.index, "pid": started.pid})
            ready = asyncio.create_task(_ready(told), name="worker-ready")
            ended = asyncio.create_task(started.wait(), name="worker-ended")
            waiting: set[asyncio.Task[None] | asyncio.Task[int]] = {ready, ended}
            try:
                await asyncio.wait(waiting, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting:
                    task.cancel()
            if ready.done() and not ready.cancelled():
                return
            if started.returncode is not None:
                raise FatalError(f"worker {self.index} ended with exit code {started.returncode}")
            await self.stop()
            raise FatalError(f"worker {self.index} was not ready within {_START_SECONDS:g} s")

    async def _spawn(self, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
        ours, its = socket.socketpair()
        with its:
            started = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "apiserver", *self._flags, f"--metrics-socket={its.fileno()}",
                env=environment, preexec_fn=_end_with_parent, pass_fds=(its.fileno(),),
            )  # fmt: skip
        self._parent.spawn(f"metrics-of-worker-{self.index}", self._metrics.follow(ours))
        return started

    async def keep_running(self) -> None:
        """Start it anew whenever it ends, for ever."""
        delay = _RESTART_SECONDS[0]
        while True:
            if self._process is not None:
                code = await self._process.wait()
                logger.error("A worker ended", extra={"worker": self.index, "exit_code": code})
            await asyncio.sleep(delay)
            try:
                await self.start()
            except FatalError as error:
                delay = min(delay * 2, _RESTART_SECONDS[1])
                logger.error("A worker does not start", extra={"worker": self.index, "error": str(error)})
            else:
                delay = _RESTART_SECONDS[0]

    async def stop(self) -> None:
        """SIGTERM, and after a while SIGKILL."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(told: socket.socket) -> None:
    while b"READY=1" not in await asyncio.get_running_loop().sock_recv(told, 4096):
        pass


def _end_with_parent() -> None:
    """In the new process: have the kernel end it when this one is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
