"""A port that stays ours until a server listens on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port(address: str) -> Iterator[int]:
    """A free TCP port of the IPv4 address. Nobody else is given it while the context lasts, and a server of this or
    another process that sets SO_REUSEADDR, as asyncio's do, can listen on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind((address, 0))
        # Set after the choice: before it, the kernel might choose one that another reserved in the same way.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port: int = sock.getsockname()[1]
        yield port
