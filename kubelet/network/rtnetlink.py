"""Sockets of rtnetlink, in this network namespace or another's, and the kernel's errors. Used on the netlink thread."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000


def is_kernel_error(error: Exception) -> bool:
    """Whether the kernel said no."""
    from pyroute2.netlink.exceptions import NetlinkError

    return isinstance(error, (OSError, NetlinkError))


def error_code(error: Exception) -> int:
    """Its errno, 0 where it has none."""
    code: int = getattr(error, "code", 0) or getattr(error, "errno", 0) or 0
    return code


@asynccontextmanager
async def open_socket(namespace: Path | None = None) -> AsyncIterator[Any]:
    """An AsyncIPRoute in this network namespace or in the one at that path; raises OSError."""
    from pyroute2 import AsyncIPRoute

    if namespace is None:
        async with AsyncIPRoute() as ipr:
            yield ipr
        return
    inner = _socket_inside(namespace)
    try:
        async with AsyncIPRoute(use_socket=inner) as ipr:
            yield ipr
    finally:
        inner.close()


def _socket_inside(namespace: Path) -> socket.socket:
    """An rtnetlink socket of the network namespace at that path. A socket stays in the namespace where it was made,
    and setns() moves one thread only: a thread of its own goes there, and nothing else of this process does."""
    answer: list[socket.socket | OSError] = []
    thread = threading.Thread(target=lambda: answer.append(_open_after_setns(namespace)), name="netns")
    thread.start()
    thread.join()
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


def _open_after_setns(namespace: Path) -> socket.socket | OSError:
    try:
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(descriptor, CLONE_NEWNET) != 0:
                code = ctypes.get_errno()
                return OSError(code, os.strerror(code))
        finally:
            os.close(descriptor)
        return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    except OSError as error:
        return error


async def link_index(ipr: Any, name: str) -> int | None:
    """The index of the link of that name, if there is one."""
    try:
        found = await ipr.link_lookup(ifname=name)
    except Exception as error:
        if not is_kernel_error(error) or error_code(error) != errno.ENODEV:
            raise
        return None
    return int(found[0]) if found else None


async def ignoring(codes: tuple[int, ...], call: Coroutine[Any, Any, Any]) -> None:
    """Await `call`; these errnos are fine."""
    try:
        await call
    except Exception as error:
        if not is_kernel_error(error) or error_code(error) not in codes:
            raise
