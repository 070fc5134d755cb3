"""The declarations of the events.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.core import event
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.EVENTS,
        singular="event",
        short_names=("ev",),
        storage_path="events",
        ttl_from_event_flag=True,
        stored_as=r.CORE_EVENTS,
        rules=event.EVENTS_EVENT,
        columns=event.COLUMNS,
        cells=event.events_cells,
        selectable_fields=event.EVENTS_SELECTABLE,
        to_storage=event.to_core,
        from_storage=event.from_core,
    ),
)
