"""Reading what another server answers, whole and with a limit."""

from __future__ import annotations

import aiohttp


async def read_at_most(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body; raises ValueError where it is longer than `most` bytes."""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > most:
            raise ValueError(f"{answer.url} answered more than {most} bytes")
        parts.append(part)
    return b"".join(parts)
