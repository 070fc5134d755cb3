"""managedFields on every write that is not an apply: who owns which field, through `apimachinery.fieldmanager`.

Called before admission, so that what admission adds is nobody's; what the strategy will undo is left out. Fields are
those of the version of the request, whichever is stored."""

from __future__ import annotations

from apimachinery import fieldmanager
from apimachinery.objects import Object
from apiserver.registry.context import WriteContext
from apiserver.registry.fieldversions import ResourceVersions
from apiserver.registry.served import Served


def on_create(served: Served, obj: Object, context: WriteContext) -> None:
    """Make the creator the owner of what it says, in place; the status is not the creator's."""
    _track(served, None, obj, context, "")


def on_update(served: Served, new: Object, old: Object, context: WriteContext, subresource: str) -> None:
    """Set managedFields of `new`, in place."""
    _track(served, old, new, context, subresource)


def _track(served: Served, live: Object | None, new: Object, context: WriteContext, subresource: str) -> None:
    shown = served.from_stored
    tracked = fieldmanager.update(
        shown(live) if shown and live is not None else live,
        shown(new) if shown else new,
        manager=context.field_manager,
        subresource=subresource,
        schema=served.schema,
        now=context.now,
        reset=reset_fields(served, subresource),
        versions=ResourceVersions(served, context),
    )
    metadata = {**new["metadata"]}
    metadata.pop("managedFields", None)
    if managed := tracked["metadata"].get("managedFields"):
        metadata["managedFields"] = managed
    new["metadata"] = metadata


def reset_fields(served: Served, subresource: str) -> tuple[str, ...]:
    """The top-level fields that a write cannot set: the status on the resource, the spec on its status."""
    if subresource == "status":
        return ("spec",)
    return ("status",) if not subresource and served.has_status else ()
