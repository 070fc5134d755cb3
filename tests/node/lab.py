"""A node of its own for a test: a network namespace with an uplink, pods beside it, and talk between them.

Sockets are made inside a namespace by a thread that goes there and ends; reading and writing is plain asyncio."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

T = TypeVar("T")
NODE_IP, CLIENT_IP = "192.168.50.1", "192.168.50.2"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str) -> str:
    """Run a command in the namespace of this thread; its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@contextmanager
def fresh_namespace() -> Iterator[None]:
    """This thread (and what it starts) lives in a network namespace of its own."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare needs root")
        run("ip", "link", "set", "lo", "up")
        yield
    finally:
        _libc.setns(home, _CLONE_NEWNET)
        os.close(home)


class Lab:
    """The node is the namespace of the calling thread; `outside` is another machine on its uplink."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._servers: list[asyncio.AbstractServer | asyncio.DatagramTransport] = []
        self.outside = self.sandbox()
        run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", str(self.outside))
        run("ip", "addr", "add", f"{NODE_IP}/24", "dev", "uplink")
        run("ip", "link", "set", "uplink", "mtu", "1400", "up")
        run("ip", "route", "add", "default", "via", CLIENT_IP)
        self.inside(self.outside, "ip", "addr", "add", f"{CLIENT_IP}/24", "dev", "eth0")
        self.inside(self.outside, "ip", "link", "set", "eth0", "up")

    def sandbox(self) -> int:
        """A process in a new network namespace, as a pause container is; its pid."""
        process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._processes.append(process)
        assert process.stdout is not None
        process.stdout.readline()  # now it is in its namespace
        return process.pid

    def kill(self, pid: int) -> None:
        """End a sandbox's process, and with it its namespace."""
        process = next(process for process in self._processes if process.pid == pid)
        self._processes.remove(process)
        process.kill()
        process.communicate()

    @staticmethod
    def inside(pid: int, *command: str) -> str:
        """Run a command in the namespace of a sandbox."""
        return run("nsenter", "-n", "-t", str(pid), *command)

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
            process.communicate()

    async def stop_serving(self) -> None:
        """End all servers; while the loop still runs."""
        for server in self._servers:
            server.close()
        await asyncio.sleep(0)

    async def serve(self, pid: int | None, port: int, name: str) -> None:
        """A TCP server in the sandbox (None: on the node) that answers "name client-address" to every line."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername")[0]
            while await reader.readline():
                writer.write(f"{name} {peer}\n".encode())
            writer.close()

        listener = in_namespace(pid, lambda: socket.create_server(("0.0.0.0", port)))
        self._servers.append(await asyncio.start_server(answer, sock=listener))

    async def serve_udp(self, pid: int, port: int, name: str) -> asyncio.DatagramTransport:
        """As `serve`, for datagrams."""

        class Answer(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = cast(asyncio.DatagramTransport, transport)

            def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
                self.transport.sendto(f"{name} {address[0]}\n".encode(), address)

        def bound() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind(("0.0.0.0", port))
            return made

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Answer, sock=in_namespace(pid, bound))
        self._servers.append(transport)
        return transport


class UdpClient:
    """One UDP socket that always asks the same address."""

    def __init__(self, pid: int | None, address: str, port: int) -> None:
        self._socket = in_namespace(pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._socket.setblocking(False)
        self._target = (address, port)

    async def ask(self) -> str:
        """Send a datagram; the answer."""
        async with asyncio.timeout(5):
            loop = asyncio.get_running_loop()
            await loop.sock_sendto(self._socket, b"?\n", self._target)
            return (await loop.sock_recv(self._socket, 200)).decode().strip()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class Connection:
    """A TCP connection from a sandbox (None: from the node)."""

    def __init__(self, pid: int | None, address: str, port: int) -> None:
        self._pid, self._target = pid, (address, port)

    async def __aenter__(self) -> Connection:
        self._socket = in_namespace(self._pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        self._socket.setblocking(False)
        try:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().sock_connect(self._socket, self._target)
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def ask(self) -> str:
        """Send a line; the answer."""
        async with asyncio.timeout(5):
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(self._socket, b"hello\n")
            return (await loop.sock_recv(self._socket, 200)).decode().strip()


async def ask(pid: int | None, address: str, port: int) -> str:
    """One question on a connection of its own; "refused" where nobody listens or a rule rejects."""
    try:
        async with Connection(pid, address, port) as connection:
            return await connection.ask()
    except ConnectionRefusedError:
        return "refused"


def in_namespace(pid: int | None, make: Callable[[], T]) -> T:
    """Call `make` on a thread inside the network namespace of that process."""
    if pid is None:
        return make()
    answer: list[T | BaseException] = []

    def go() -> None:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            answer.append(make())
        except OSError as error:
            answer.append(error)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if isinstance(answer[0], BaseException):
        raise answer[0]
    return answer[0]
