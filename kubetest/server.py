"""Starts and ends one API server in a process of its own; a context manager and an asynchronous one.

A process, not a thread or a task: it serves any client, blocking or not, and a busy test does not slow it down.
That process (`kubetest.child`) says on its standard output when it is ready and where; it ends when told to, and
also when its standard input closes, which the kernel does for a test runner that was killed."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

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
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> ApiServer:
        """Start, and return once it is ready; raises StartError. Blocks: `async with` is for event loops."""
        if self._process is not None:
            raise StartError("it has been started already")
        self._folder = Path(tempfile.mkdtemp(prefix="kube-api-"))
        command = [sys.executable, "-m", "kubetest.child", f"--folder={self._folder}", *self._arguments]
        try:
            with self._log().open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=_importable_from(),
                    process_group=0,  # Ctrl-C ends the tests; what they tear down still needs the server
                )
            self._adopt(self._announcement(self._process))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, and remove its files. Does nothing where it is not running."""
        process, self._process = self._process, None
        if process is not None:
            with process:  # closes its pipes, which alone would end it too
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
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

    def _announcement(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """The line that the server writes once it is ready."""
        assert process.stdout is not None
        line = _first_line(process.stdout, self._timeout)
        if line.endswith(b"\n"):
            announced: dict[str, Any] = json.loads(line)
            return announced
        why = f"not ready after {self._timeout:g} seconds" if process.poll() is None else "it ended"
        raise StartError(f"the API server did not start, {why}: {self.log[-_LAST_WORDS:].strip()}")

    def _adopt(self, announced: dict[str, Any]) -> None:
        self.url = announced["url"]
        self.token = announced["token"]
        self.kubeconfig = Path(announced["kubeconfig"])
        self.ca_file = Path(announced["ca"])


def _first_line(stream: IO[bytes], seconds: float) -> bytes:
    """What arrives up to a line's end, the stream's end or the time limit."""
    deadline = time.monotonic() + seconds
    read = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not read.endswith(b"\n") and selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(stream.fileno(), 4096)
            if not piece:
                break
            read += piece
    return read


def _importable_from() -> Path:
    """The folder that holds these packages: it may be a checkout that is not installed."""
    return Path(__file__).resolve().parent.parent
