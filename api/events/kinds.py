"""The declarations of the events.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.EVENTS,
        singular="event",
        short_names=("ev",),
        storage_path="events",
        ttl_from_event_flag=True,
        stored_as=r.CORE_EVENTS,
    ),
)
