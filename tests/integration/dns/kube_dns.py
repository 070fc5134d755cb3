"""A kube-dns process of a test, and the two ways to ask it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import aiodns
import dnslib
import yaml

from tests.apiserver_process import DNS_TOKEN, ApiServerProcess
from tests.ports import free_port

_SECONDS = 20.0


class KubeDns:
    """Start, stop and kill a kube-dns on an address of loopback."""

    def __init__(self, folder: Path, api: ApiServerProcess | None, *flags: str, address: str = "127.0.0.1") -> None:
        """`api` None: there is no API server, and the cluster's names are not known."""
        self.address, self.port, self.health_port = address, free_port(), free_port()
        self._folder, self.flags = folder, flags
        self._kubeconfig = folder / f"kubeconfig-{self.port}.yaml"
        self._kubeconfig.write_text(_kubeconfig(api.port if api else free_port()))
        self._has_api = api is not None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> KubeDns:
        await self.start(ready=self._has_api)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def log(self) -> str:
        """What it logged."""
        return (self._folder / f"dns-{self.port}.log").read_text()

    async def start(self, *, ready: bool = True) -> None:
        """Start, and wait until it is ready, or only (`ready=False`) until it serves."""
        with (self._folder / f"dns-{self.port}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "cmd/kube_dns.py", f"--kubeconfig={self._kubeconfig}",
                f"--bind-address={self.address}", f"--port={self.port}", "--metrics-bind-address=",
                f"--healthz-bind-address=127.0.0.1:{self.health_port}", "--lameduck=100ms", *self.flags,
                cwd=Path(__file__).parents[3], stdout=log, stderr=log,
            )  # fmt: skip
        await until(lambda: self._answers("/ready" if ready else "/health"))

    async def stop(self) -> int:
        """SIGTERM, and wait for its end; the exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), _SECONDS)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def resolver(self, *, tcp: bool = False) -> aiodns.DNSResolver:
        """c-ares, which shares no code with the server."""
        return aiodns.DNSResolver(
            nameservers=[self.address], udp_port=self.port, tcp_port=self.port, timeout=5.0, tries=1,
            flags=1 if tcp else 0, rotate=False,
        )  # fmt: skip

    async def ask(self, name: str, qtype: str = "A", *, edns: int = 0) -> dnslib.DNSRecord:
        """The whole answer to one datagram."""
        record = dnslib.DNSRecord.question(name, qtype)
        if edns:
            record.add_ar(dnslib.EDNS0(udp_len=edns))
        return dnslib.DNSRecord.parse(await self.exchange(bytes(record.pack())))

    async def exchange(self, message: bytes, *, seconds: float = 8.0, source: str = "") -> bytes:
        """The datagram that comes back for this one; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((source or self.address, 0))
            sock.connect((self.address, self.port))
            await loop.sock_sendall(sock, message)
            return await asyncio.wait_for(loop.sock_recv(sock, 65535), seconds)

    async def _answers(self, path: str) -> bool:
        if self._process is not None and self._process.returncode is not None:
            raise RuntimeError(self.log[-2000:])
        return (await http_status(self.health_port, path)) == 200


async def http_status(port: int, path: str) -> int:
    """The status of one GET, 0 where nobody listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1]) if line else 0


async def until(holds: Callable[[], object], seconds: float = _SECONDS) -> None:
    """Return once `holds()` (awaited where it is asynchronous) is true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            result = holds()
            if await result if asyncio.iscoroutine(result) else result:
                return
            await asyncio.sleep(0.05)


def _kubeconfig(port: int) -> str:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"token": DNS_TOKEN}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    })  # fmt: skip
