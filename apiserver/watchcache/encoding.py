"""How an object's bytes look in the store and on the wire, so that it is encoded once in its life.

Pure. In the store an object lies without its resourceVersion and with apiVersion, kind and metadata first, so that
giving it the revision it was written at is one insertion of bytes. Watch frames are lines of JSON."""

from __future__ import annotations

import re

import orjson

from apimachinery.objects import Object

#: How values written by `encode_stored` begin.
_HEAD = re.compile(rb'\{(?:"apiVersion":"[^"\\]*",)?(?:"kind":"[^"\\]*",)?"metadata":\{')
_METADATA = b'"metadata":{'
#: Each head once: as many as there are kinds and versions stored.
_heads: dict[bytes, bytes] = {}
_IDENTITY = ("apiVersion", "kind")


def encode_stored(obj: Object) -> bytes:
    """The value to store for `obj`: JSON without metadata.resourceVersion, identity first. `obj` is not changed."""
    metadata = {**(obj.get("metadata") or {})}
    metadata.pop("resourceVersion", None)
    ordered: Object = {key: obj[key] for key in _IDENTITY if key in obj}
    ordered["metadata"] = metadata
    ordered |= obj
    ordered["metadata"] = metadata  # in the place that it was given above
    return orjson.dumps(ordered)


def splice(value: bytes, revision: int) -> bytes:
    """The JSON of a stored value as a client sees it: with metadata.resourceVersion set to `revision`.

    Values that something else wrote in another order are decoded and encoded anew; raises ValueError for no JSON."""
    head = _HEAD.match(value)
    if head is None:
        return orjson.dumps(object_at_revision(orjson.loads(value), revision))
    at = head.end()
    rest = value[at:]
    comma = b"" if rest.startswith(b"}") else b","
    return b'%b"resourceVersion":"%d"%b%b' % (value[:at], revision, comma, rest)


def split_head(raw: bytes) -> tuple[bytes, bytes]:
    """Spliced bytes as what comes before `"metadata":`, and the rest; b"{" and the rest for another order of fields."""
    head = _HEAD.match(raw)
    at = head.end() - len(_METADATA) if head else 1
    text = raw[:at]
    return _heads.setdefault(text, text) if head else b"{", raw[at:]


def at_revision(raw: bytes, old: int, new: int) -> bytes:
    """Spliced bytes of revision `old` with `new` in its place: what a DELETED event shows of the last state."""
    return raw.replace(b'"resourceVersion":"%d"' % old, b'"resourceVersion":"%d"' % new, 1)


def object_at_revision(obj: Object, revision: int) -> Object:
    """A copy of `obj` (shallow but for metadata) with another resourceVersion."""
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "resourceVersion": str(revision)}}


def frame(event_type: str, raw: bytes) -> bytes:
    """One watch event as a line: type ADDED, MODIFIED, DELETED, BOOKMARK or ERROR and the object's JSON."""
    return b'{"type":"%b","object":%b}\n' % (event_type.encode(), raw)
