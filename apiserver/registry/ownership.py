"""managedFields on every write that is not an apply: who owns which field, through `apimachinery.fieldmanager`."""

from __future__ import annotations

from apimachinery import fieldmanager
from apimachinery.objects import Object
from apiserver.registry.context import WriteContext
from apiserver.registry.served import Served


def on_create(served: Served, obj: Object, context: WriteContext) -> Object:
    """The new object with its creator as owner of what it says; a status that creation drops is not owned."""
    if served.kind.subresource("status"):
        obj.pop("status", None)
    return _tracked(served, None, obj, context, "")


def on_update(served: Served, new: Object, old: Object, context: WriteContext, subresource: str) -> None:
    """Set managedFields of `new`, in place."""
    tracked = _tracked(served, old, new, context, subresource)
    if tracked is not new:
        new["metadata"] = tracked["metadata"]


def _tracked(served: Served, live: Object | None, new: Object, context: WriteContext, subresource: str) -> Object:
    return fieldmanager.update(
        live,
        new,
        manager=context.field_manager,
        subresource=subresource,
        schema=served.schema,
        now=context.now,
        reset=reset_fields(served, subresource),
    )


def reset_fields(served: Served, subresource: str) -> tuple[str, ...]:
    """The top-level fields that a write through this subresource ("" for the object itself) cannot set."""
    if subresource == "status":
        return ("spec",)
    return ("status",) if not subresource and served.kind.subresource("status") else ()
