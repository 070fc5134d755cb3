"""Compaction at regular times: history older than one interval is forgotten, as the reference does every five minutes.

Several API servers on one store may all do it; who is late finds it done."""

from __future__ import annotations

import asyncio
import logging

from apiserver.storage.interface import Compacted, Revision, Storage, StorageError

logger = logging.getLogger(__name__)


async def compact_regularly(storage: Storage, interval_seconds: float) -> None:
    """Every interval, forget what was history one interval ago; runs until cancelled. 0 turns it off."""
    if interval_seconds <= 0:
        return
    before: Revision | None = None
    while True:
        before = await _compact(storage, before)
        await asyncio.sleep(interval_seconds)


async def _compact(storage: Storage, before: Revision | None) -> Revision | None:
    """Compact to `before` and give the revision for the next time; what fails is tried again then."""
    try:
        now = await storage.current_revision()
        if before is not None and now > before:
            await storage.compact(before)
    except Compacted:
        return now
    except StorageError as error:
        logger.warning("Could not compact", extra={"revision": before, "error": str(error)})
        return before
    return now
