"""Makes the APIServices of what CustomResourceDefinitions serve, and takes them away again."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

from api.resources import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import ApiError
from apimachinery.objects import Object, name_of, uid_of
from apiserver.aggregation import plan
from apiserver.interfaces import Loopback
from apiserver.storage.interface import StorageError

logger = logging.getLogger(__name__)


async def register(loopback: Loopback) -> bool:
    """Bring the APIServices in line with the definitions; whether all of it was done."""
    wanted = plan.of_definitions(loopback.list(CUSTOM_RESOURCE_DEFINITIONS))
    needed = plan.changes(wanted, loopback.list(API_SERVICES))
    done = True
    for obj in needed.create:
        done = await _try(obj, loopback.create(API_SERVICES, obj)) and done
    for obj in needed.update:
        done = await _try(obj, loopback.update(API_SERVICES, obj)) and done
    for obj in needed.delete:
        done = await _try(obj, loopback.delete(API_SERVICES, "", name_of(obj), uid=uid_of(obj))) and done
    return done


async def _try(obj: Object, writing: Coroutine[Any, Any, object]) -> bool:
    try:
        await writing
    except (ApiError, StorageError) as error:
        # Mostly another server of the same store that was faster; the next look tells.
        logger.debug("APIService not written", extra={"apiservice": name_of(obj), "error": str(error)})
        return False
    return True
