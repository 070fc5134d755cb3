"""Many may attach sandboxes at once, or one may collect leaked addresses: never both. A small shared/exclusive lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class AttachGate:
    """Attaching is shared, collecting exclusive; a waiting collector holds new attachments back."""

    def __init__(self) -> None:
        self._attaching = 0
        self._turn = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def attaching(self) -> AsyncIterator[None]:
        """While a sandbox is made and put on the network."""
        async with self._turn:
            self._attaching += 1
            self._idle.clear()
        try:
            yield
        finally:
            self._attaching -= 1
            if self._attaching == 0:
                self._idle.set()

    @asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        """While what belongs to no sandbox is removed."""
        async with self._turn:
            await self._idle.wait()
            yield
