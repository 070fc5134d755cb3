"""A kube-apiserver of its own for a test: a real process on the embedded store, TLS and RBAC on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import TracebackType

from client.rest import ClientConfig, RestClient
from component import tlscontext
from tests.ports import free_port

ADMIN_TOKEN = "admin-token"
USER_TOKEN = "user-token"
NODE_TOKEN = "node-token"
DNS_TOKEN = "dns-token"
_TOKENS = (
    f'{ADMIN_TOKEN},admin,1,"system:masters"\n{USER_TOKEN},eve,2,"devs"\n{NODE_TOKEN},system:node:n1,3,"system:nodes"\n'
    f"{DNS_TOKEN},system:kube-dns,4\n"
)
_START_SECONDS = 30.0


class ApiServerProcess:
    """Start, stop and kill; the store's file outlives the process."""

    def __init__(self, folder: Path, *flags: str, authorization: str = "Node,RBAC") -> None:
        self.port = free_port()
        self._folder = folder
        self._flags = flags
        self._authorization = authorization
        self._process: asyncio.subprocess.Process | None = None
        (folder / "tokens.csv").write_text(_TOKENS)

    async def __aenter__(self) -> ApiServerProcess:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def config(self, token: str = ADMIN_TOKEN) -> ClientConfig:
        """How to reach it as the user of a token."""
        return ClientConfig(f"https://127.0.0.1:{self.port}", tlscontext.unverified(), token)

    def client(self, token: str = ADMIN_TOKEN) -> RestClient:
        """A client as the user of a token; an async context manager."""
        return RestClient(self.config(token), user_agent="tests")

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        folder = self._folder
        with (folder / "apiserver.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "apiserver",
                "--storage-backend=sqlite", f"--sqlite-path={folder / 'store.db'}", "--bind-address=127.0.0.1",
                f"--secure-port={self.port}", f"--cert-dir={folder / 'certs'}",
                f"--token-auth-file={folder / 'tokens.csv'}", f"--authorization-mode={self._authorization}",
                "--service-cluster-ip-range=10.96.0.0/12", *self._flags, stderr=log, stdout=log,
            )  # fmt: skip
        async with asyncio.timeout(_START_SECONDS), self.client() as client:
            while not await self._ready(client):
                if self._process.returncode is not None:
                    raise RuntimeError((folder / "apiserver.log").read_text()[-2000:])
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), _START_SECONDS)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @staticmethod
    async def _ready(client: RestClient) -> bool:
        from apimachinery.errors import ServiceUnavailable

        try:
            status, _ = await client.raw("GET", "/readyz")
        except ServiceUnavailable:
            return False
        return status == 200
