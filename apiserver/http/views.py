"""Objects and lists as clients ask for them: plain, in another version, as Table, as PartialObjectMetadata. Pure.

Plain answers are bytes joined from what the cache holds; nothing is encoded again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import orjson

from api.kind import Column, Kind
from apimachinery.objects import Object
from apiserver.http.negotiate import PARTIAL, TABLE
from apiserver.http.reply import Pieces
from apiserver.watchcache.cache import Items
from apiserver.watchcache.window import CachedObject, Transform

_DEFAULT_COLUMNS = (
    Column(name="Name", format="name", description="Name of the object, unique among its kind and namespace."),
    Column(name="Created At", type="date", description="When the object was created, by the API server's clock."),
)
#: Lists longer than this are sent in pieces.
_PIECEWISE_BYTES = 256 << 10
_NO_OBJECT, _WHOLE_OBJECT = "None", "Object"


def _list_head(kind: Kind, metadata: Object) -> bytes:
    return b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":[' % (
        (kind.custom.list_kind if kind.custom else f"{kind.resource.kind}List").encode(),
        kind.resource.api_version.encode(),
        orjson.dumps(metadata),
    )


def list_of_objects(kind: Kind, objects: Sequence[Object], metadata: Object, *, typed_items: bool) -> bytes:
    """A List document of converted objects; `typed_items` as for `list_body`."""
    if not typed_items:
        objects = [{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")} for obj in objects]
    return _list_head(kind, metadata) + b",".join([orjson.dumps(obj) for obj in objects]) + b"]}\n"


def list_body(kind: Kind, items: Sequence[CachedObject], metadata: Object, *, typed_items: bool) -> bytes | Pieces:
    """A List document of objects as they are stored, from their bytes; its items go without apiVersion and kind unless
    `typed_items` (custom resources)."""
    resource = kind.resource
    head = _list_head(kind, metadata)
    if typed_items:
        return head + b",".join([item.raw for item in items]) + b"]}\n"
    prefix = b'{"apiVersion":"%s","kind":"%s",' % (resource.api_version.encode(), resource.kind.encode())
    if not isinstance(items, Items):
        items = Items(items)
    size = items.size_without(prefix)
    if size is None:
        return head + b",".join([_untyped(item.raw) for item in items]) + b"]}\n"
    end = b"]}\n"
    pieces = Pieces(len(head) + size + len(end), chain((head,), items.pieces(), (end,)))
    return pieces if size > _PIECEWISE_BYTES else pieces.whole()


def _untyped(raw: bytes) -> bytes:
    obj: Object = orjson.loads(raw)
    obj.pop("apiVersion", None)
    obj.pop("kind", None)
    return orjson.dumps(obj)


def partial_metadata(obj: Object) -> Object:
    """The object's metadata alone."""
    return {"kind": PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": obj.get("metadata") or {}}


def partial_metadata_list(objects: Sequence[Object], metadata: Object) -> Object:
    """A list of metadata."""
    return {
        "kind": PARTIAL + "List",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "items": [partial_metadata(obj) for obj in objects],
    }


def table(
    kind: Kind, objects: Sequence[Object], metadata: Object, include: str, version: str = "v1", *, headers: bool = True
) -> Object:
    """The objects as rows; `include` says what accompanies each row: "None", "Metadata" or "Object"."""
    now = datetime.now(UTC)
    return {
        "kind": TABLE,
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": [_column(column) for column in kind.columns or _DEFAULT_COLUMNS] if headers else [],
        "rows": [_row(kind, obj, include, now) for obj in objects],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _row(kind: Kind, obj: Object, include: str, now: datetime) -> Object:
    metadata = obj.get("metadata") or {}
    cells = (
        kind.cells(obj, now)
        if kind.cells and kind.columns
        else (metadata.get("name") or "", metadata.get("creationTimestamp"))
    )
    row: Object = {"cells": list(cells)}
    conditions = kind.row_conditions(obj) if kind.row_conditions else ()
    if conditions:
        row["conditions"] = [dict(condition) for condition in conditions]
    if include == _WHOLE_OBJECT:
        row["object"] = obj
    elif include != _NO_OBJECT:
        row["object"] = _without_annotations(partial_metadata(obj), kind.annotations_not_in_tables)
    return row


def _without_annotations(partial: Object, keys: Sequence[str]) -> Object:
    annotations = partial["metadata"].get("annotations") or {}
    if not any(key in annotations for key in keys):
        return partial
    metadata = {**partial["metadata"], "annotations": {k: v for k, v in annotations.items() if k not in keys}}
    if not metadata["annotations"]:
        del metadata["annotations"]
    return {**partial, "metadata": metadata}


def object_transform(kind: Kind, convert: Transform | None, view: str, include: str, version: str) -> Transform | None:
    """The function from a stored object to what a watcher of this view gets; None: the object as it is."""
    if view == TABLE:
        return _composed(convert, lambda obj: _event_table(kind, obj, include, version))
    if view == PARTIAL:
        return _composed(convert, partial_metadata)
    return convert


def _event_table(kind: Kind, obj: Object, include: str, version: str) -> Object:
    metadata = obj.get("metadata") or {}
    shown = {"resourceVersion": metadata.get("resourceVersion", "")}
    if "name" not in metadata:  # a bookmark has no rows, but its metadata counts
        return table(kind, [], shown, include, version) | {"rows": [{"cells": [], "object": partial_metadata(obj)}]}
    return table(kind, [obj], shown, include, version)


def _composed(first: Transform | None, second: Callable[[Object], Object]) -> Transform:
    if first is None:
        return second
    convert = first
    return lambda obj: second(convert(obj))
