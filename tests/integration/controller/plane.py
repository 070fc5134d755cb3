"""A control plane of real processes: API server, controller manager, scheduler; each killed and started at will."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType

from api.resources import SERVICE_ACCOUNTS
from apimachinery.errors import ServiceUnavailable
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess
from tests.integration.controller.fakekubelet import FakeKubelet

_WAIT_SECONDS = 30.0


class Daemon:
    """One process of ours; its log is kept in the test's folder."""

    def __init__(self, module: str, folder: Path, *flags: str) -> None:
        self._module = module
        self._log = folder / f"{module}.log"
        self._flags = flags
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        code = f"from {self._module} import main; raise SystemExit(main())"
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, *self._flags, stdout=log, stderr=log
            )

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), _WAIT_SECONDS)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()


class ControlPlane:
    """All of them, and the kubelets that are none. An async context manager."""

    def __init__(self, folder: Path, *manager_flags: str, api_flags: Sequence[str] = ()) -> None:
        self.server = ApiServerProcess(folder, *api_flags)
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(self.server.port))
        common = (f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0", "--v=2")
        self.manager = Daemon("controller.app", folder, *common, *manager_flags)
        self.scheduler = Daemon("scheduler.app", folder, *common)
        self.client: RestClient = self.server.client()
        self.kubelet = FakeKubelet(self.client)
        self._kubelet_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ControlPlane:
        await self.server.start()
        await self.client.__aenter__()
        await self.manager.start()
        await self.scheduler.start()
        self._kubelet_task = asyncio.create_task(self.kubelet.run())
        await self.until(self._ready)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kubelet_task is not None:
            self._kubelet_task.cancel()
            await asyncio.wait({self._kubelet_task})
        await self.manager.stop()
        await self.scheduler.stop()
        await self.client.__aexit__(None, None, None)
        await self.server.stop()

    async def _ready(self) -> bool:
        """Whether pods can be made (they need their service account) and are scheduled."""
        accounts = (await self.client.list(SERVICE_ACCOUNTS, "default"))["items"]
        return bool(accounts) and "Caches are synced" in self.scheduler.log()

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = _WAIT_SECONDS) -> None:
        """Return once the condition holds; raises TimeoutError with the daemons' last words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if await condition():
                    return
            except ServiceUnavailable:
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.1)
        raise TimeoutError(self.manager.log()[-1500:] + self.scheduler.log()[-1500:])


def kubeconfig(port: int) -> str:
    """A kubeconfig file of the administrator at that port, as text."""
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": ADMIN_TOKEN}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )
