"""What a watch sends, to its end. Once an answer has begun there is no status code left to say what went wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import orjson

from apimachinery.errors import ApiError, InternalError
from apiserver.watchcache.encoding import frame
from apiserver.watchcache.watcher import Watcher

logger = logging.getLogger(__name__)


async def to_the_end(watcher: Watcher) -> AsyncIterator[bytes]:
    """The watcher's lines; why it ends early is told as an ERROR event."""
    try:
        async for data in watcher:
            yield data
    except ApiError as error:
        yield frame("ERROR", orjson.dumps(error.status()))
    except Exception as error:
        logger.exception("A watch failed")
        trouble = InternalError(f"Internal error occurred: {type(error).__name__}")
        yield frame("ERROR", orjson.dumps(trouble.status()))
