"""Commands in containers with their streams: Docker's hijacked connections, where HTTP ends and raw bytes begin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

import orjson

from kubelet.runtime.engine import Engine
from kubelet.runtime.interface import ContainerGone, RuntimeRefused, RuntimeUnavailable
from kubelet.runtime.streams import Demultiplexer

_CHUNK_BYTES = 32 << 10
_CONNECT_SECONDS = 10.0
_HEAD_BYTES = 64 << 10


class Session:
    """The streams of one command (or of a container's own process), open until either side ends."""

    def __init__(
        self, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, tty: bool
    ) -> None:
        """`path` is where the command is asked after and resized: /exec/ID or /containers/ID."""
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._path = path
        self._tty = tty

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes) until the end: 1 is stdout (with a terminal, everything), 2 stderr."""
        demultiplexer = Demultiplexer()
        while data := await self._reader.read(_CHUNK_BYTES):
            if self._tty:
                yield 1, data
            else:
                for stream, payload in demultiplexer.feed(data):
                    yield stream, payload

    async def write(self, data: bytes) -> None:
        """To the command's stdin."""
        self._writer.write(data)
        await self._writer.drain()

    def close_input(self) -> None:
        """The command's stdin ends."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def resize(self, width: int, height: int) -> None:
        """The terminal's new size in characters."""
        await self._engine.call("POST", f"{self._path}/resize", params={"w": str(width), "h": str(height)})

    async def exit_code(self) -> int:
        """How the command ended; 0 for an attached container."""
        if not self._path.startswith("/exec/"):
            return 0
        answer = await self._engine.call("GET", f"{self._path}/json")
        return int(answer.get("ExitCode") or 0)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def exec_session(
    engine: Engine, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
) -> Session:
    """Start a command in a container; raises the runtime's errors."""
    body = {
        "AttachStdin": stdin, "AttachStdout": stdout, "AttachStderr": stderr and not tty, "Tty": tty,
        "Cmd": list(command),
    }  # fmt: skip
    created = await engine.call("POST", f"/containers/{container_id}/exec", body=body)
    path = f"/exec/{created['Id']}"
    reader, writer = await _hijack(engine, f"{path}/start", orjson.dumps({"Detach": False, "Tty": tty}))
    return Session(engine, reader, writer, path, tty)


async def attach_session(
    engine: Engine, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool
) -> Session:
    """Join a running container's own streams; raises the runtime's errors."""
    wanted = {"stdin": stdin, "stdout": stdout, "stderr": stderr and not tty}
    query = "&".join(["stream=1", *(f"{name}=1" for name, on in wanted.items() if on)])
    path = f"/containers/{quote(container_id)}"
    reader, writer = await _hijack(engine, f"{path}/attach?{query}", b"")
    return Session(engine, reader, writer, path, tty)


async def _hijack(engine: Engine, path: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    version = await engine.version()
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(engine.socket, limit=_HEAD_BYTES)
            head = (
                f"POST /v{version}{path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise RuntimeUnavailable(f"Docker does not take a stream: {error}") from error
    code = int(answer.split(b" ", 2)[1])
    if code in (101, 200):
        return reader, writer
    text = (await reader.read(_HEAD_BYTES)).decode(errors="replace").strip()
    writer.close()
    refusal = ContainerGone if code == 404 else RuntimeRefused
    raise refusal(f"Error response from daemon: {text}", code)
