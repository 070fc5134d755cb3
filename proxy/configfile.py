"""Watch the file of --config. As with the reference, a new content ends the process: whoever supervises it starts one
that reads it (a DaemonSet's kubelet, systemd)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from component.process import FatalError

_LOOK_SECONDS = 5.0


async def end_on_change(path: Path, before: bytes | None, *, look_seconds: float = _LOOK_SECONDS) -> None:
    """Return never; raises FatalError once the file's content differs from `before` (`content_of`
    at the start)."""
    while True:
        await asyncio.sleep(look_seconds)
        now = await asyncio.to_thread(content_of, path)
        if now is None:
            continue  # it is being replaced
        if now != before:
            raise FatalError(f"content of the proxy server's configuration file was updated: {path}")


def content_of(path: Path) -> bytes | None:
    """The file's bytes, None while there are none."""
    try:
        return path.read_bytes()
    except OSError:
        return None
