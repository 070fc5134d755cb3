"""Follows the file of --encryption-provider-config, so that keys are rotated without a restart."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from apiserver.storage.encryption.config import ConfigurationError, parse
from apiserver.storage.encryption.store import EncryptedStorage
from component.counter import LightCounter

logger = logging.getLogger(__name__)

_POLL_SECONDS = 10.0


_FAILURES = LightCounter(
    "apiserver_encryption_config_controller_automatic_reload_failures_total",
    "Changes of the file that could not be used.",
).labels()
_SUCCESSES = LightCounter(
    "apiserver_encryption_config_controller_automatic_reload_success_total", "Changes of the file that were taken over."
).labels()


async def follow(storage: EncryptedStorage, path: Path, *, poll_seconds: float = _POLL_SECONDS) -> None:
    """Take over every new valid content of the file, for ever; a bad one is told and the last good one stays."""
    seen = storage.source  # not what the file says by now: it may have changed while the server was starting
    while True:
        await asyncio.sleep(poll_seconds)
        text = await asyncio.to_thread(_read, path)
        if text is None or text == seen:
            continue
        seen = text
        try:
            storage.use(parse(text))
        except ConfigurationError as error:
            _FAILURES.inc()
            logger.error("The new encryption configuration is not used", extra={"file": str(path), "error": str(error)})
            continue
        _SUCCESSES.inc()
        logger.info("Using the new encryption configuration", extra={"file": str(path)})


def _read(path: Path) -> str | None:
    """The file's text, None while it cannot be read (it is being replaced)."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("The encryption configuration cannot be read", extra={"file": str(path), "error": str(error)})
        return None
