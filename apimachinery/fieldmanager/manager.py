"""The two ways of writing an object: apply, which merges and may conflict, and update, which only notes who wrote. Pure."""

from __future__ import annotations

from datetime import datetime

from apimachinery.objects import Object
from apimachinery.schema.model import TypeSchema


def update(
    live: Object | None, new: Object, *, manager: str, subresource: str, schema: TypeSchema, now: datetime
) -> Object:
    """The written object."""
    return new


def apply(
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    subresource: str,
    schema: TypeSchema,
    now: datetime,
) -> Object:
    """The merged object."""
    return applied
