"""Starts and ends one API server in a process of its own; a context manager and an asynchronous one.

A process, not a thread or a task: it serves any client, blocking or not, and a busy test does not slow it down.
That process (`kubetest.child`) is forked from one that has imported what servers need (`kubetest.forkserver`). It says
on its standard output who it is, then when it is ready and where; it ends when told to, and also when its standard
input closes, which the kernel does for a test runner that was killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from kubetest.processes import FORK_SERVER, ServerProcess

#: The controllers that operators lean on: namespaces vanish with what is in them, every namespace has its default
#: service account, and what lost its owner is deleted.
COLLECTORS = ("namespace", "serviceaccount", "garbagecollector")

_STOP_SECONDS = 3.0
_LAST_WORDS = 2000


class StartError(Exception):
    """The server did not start; the message ends with what it wrote last."""


class ApiServer:
    """A Kubernetes API server with an empty store in memory, on a free port of 127.0.0.1, RBAC on.

    `controllers` names those of kube-controller-manager to run beside it (COLLECTORS, or ("*",) for all); `flags` are
    further ones of kube-apiserver. Without `tls` it speaks plain HTTP and everyone is the administrator.
    The attributes below are set once it has been started."""

    url: str  #: "https://127.0.0.1:40123"
    kubeconfig: Path  #: a file for KUBECONFIG, with the administrator's credentials
    token: str  #: the administrator's bearer token; of the group system:masters
    ca_file: Path  #: the certificate to trust

    def __init__(
        self, *, tls: bool = True, controllers: Sequence[str] = (), flags: Sequence[str] = (), timeout: float = 30.0
    ) -> None:
        """`timeout` is how many seconds the start may take."""
        if isinstance(controllers, str) or isinstance(flags, str):
            raise TypeError("controllers and flags are sequences of strings")
        self._arguments = [f"--plain={str(not tls).lower()}", f"--controllers={','.join(controllers)}", *flags]
        self._timeout = timeout
        self._folder: Path | None = None
        self._process: ServerProcess | None = None

    def start(self) -> ApiServer:
        """Start, and return once it is ready; raises StartError. Blocks: `async with` is for event loops."""
        if self._process is not None:
            raise StartError("it has been started already")
        deadline = time.monotonic() + self._timeout
        self._folder = Path(tempfile.mkdtemp(prefix="kube-api-"))
        try:
            self._adopt(self._announcement(deadline))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, and remove its files. Does nothing where it is not running."""
        process, self._process = self._process, None
        if process is not None:
            process.close(_STOP_SECONDS)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> str:
        """What the server and the controllers wrote so far."""
        return self._log().read_text(errors="replace") if self._folder is not None else ""

    def __enter__(self) -> ApiServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> ApiServer:
        starting = asyncio.create_task(asyncio.to_thread(self.start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on; what it starts is ours to end.
            await asyncio.wait({starting})
            await asyncio.to_thread(self.stop)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _log(self) -> Path:
        assert self._folder is not None
        return self._folder / "log"

    def _announcement(self, deadline: float) -> dict[str, Any]:
        """Start it, and wait for the line that it writes once it is ready."""
        arguments = [f"--folder={self._folder}", *self._arguments]
        try:
            with self._log().open("wb") as log:
                process = self._process = FORK_SERVER.spawn(arguments, log, self._timeout)
        except OSError as error:
            raise StartError(f"the API server did not start: {error}") from error
        lines = process.lines(deadline)
        if (line := next(lines, None)) is not None:
            process.identify(line)
            if (line := next(lines, None)) is not None:
                announced: dict[str, Any] = json.loads(line)
                return announced
        why = "it ended" if time.monotonic() < deadline else f"not ready after {self._timeout:g} seconds"
        words = (self.log or FORK_SERVER.last_words())[-_LAST_WORDS:].strip()
        raise StartError(f"the API server did not start, {why}: {words}")

    def _adopt(self, announced: dict[str, Any]) -> None:
        self.url = announced["url"]
        self.token = announced["token"]
        self.kubeconfig = Path(announced["kubeconfig"])
        self.ca_file = Path(announced["ca"])
