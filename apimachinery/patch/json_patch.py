"""JSON patch (RFC 6902) with the liberties of the reference's library. Pure.

`replace` adds an absent member, indices may count from the end, and every operation that cannot be done gives the same
answer to the client, which never learns why."""

from __future__ import annotations

from typing import Any, Final

import orjson

from apimachinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from apimachinery.fielderrors import go_quote
from apimachinery.objects import Object, deep_copy
from apimachinery.schema.leaves import json_kind

_MOST_OPERATIONS: Final = 10_000
#: By copying, a short patch could make an object of any size.
_MOST_COPIED_BYTES: Final = 3 * 1024 * 1024
_Container = dict[str, Any] | list[Any]


_MEMBERS: Final = ("op", "path", "from", "value")


class _DoesNotApply(Exception):
    """An operation that cannot be done on this document."""


def apply(original: Object, patch: list[Object]) -> Any:
    """The document after every operation; `original` is left as it is.

    Raises Invalid where an operation does not apply or is none. The patch must have passed `check`."""
    if len(patch) > _MOST_OPERATIONS:
        limit = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(patch)}"
        raise RequestEntityTooLarge(f"Request entity is too large: {limit}")
    document: Any = deep_copy(original)
    copied = 0
    for operation in patch:
        try:
            if operation.get("op") == "copy":
                copied += len(orjson.dumps(_get(document, _path(operation, "from"))))
                if copied > _MOST_COPIED_BYTES:
                    raise _DoesNotApply("too much is copied")
            document = _apply(document, operation)
        except (_DoesNotApply, orjson.JSONEncodeError, RecursionError) as error:
            raise Invalid("the server rejected our request due to an error in our request", details={}) from error
    return document


def check(patch: Any) -> list[Object]:
    """The operations of a decoded patch, none for null; raises BadRequest where it is not a list of them."""
    if patch is None:
        return []
    if not isinstance(patch, list):
        raise _wrong_type(json_kind(patch), "Go value of type []handlers.jsonPatchOp")
    for operation in patch:
        if not isinstance(operation, dict):
            raise _wrong_type(json_kind(operation), "Go value of type handlers.jsonPatchOp")
        for name in ("op", "path", "from"):
            value = operation.get(name)
            if value is not None and not isinstance(value, str):
                raise _wrong_type(json_kind(value), f"Go struct field jsonPatchOp.{name} of type string")
    return patch


def _wrong_type(found: str, wanted: str) -> BadRequest:
    return BadRequest(f"error decoding patch: json: cannot unmarshal {found} into {wanted}")


def unknown_members(patch: list[Object]) -> list[str]:
    """`unknown field "[0].x"` for each member that an operation does not have."""
    return [
        f"unknown field {go_quote(f'[{index}].{name}')}"
        for index, operation in enumerate(patch)
        for name in operation
        if name not in _MEMBERS
    ]


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    path = _path(operation, "path")
    kind, value = operation.get("op"), operation.get("value")
    if kind == "add":
        _add(document, path, deep_copy(value))
    elif kind == "remove":
        _remove(document, path)
    elif kind == "replace":
        return _replace(document, path, deep_copy(value))
    elif kind == "test":
        if not _equal(_get(document, path, absent_is_null=True), value):
            raise _DoesNotApply(f"test failed at {path}")
    elif kind == "copy":
        _add(document, path, deep_copy(_get(document, _path(operation, "from"))))
    elif kind == "move":
        source = _path(operation, "from")
        moved = _get(document, source)
        _remove(document, source)
        _add(document, path, moved)
    else:
        raise _DoesNotApply(f"unexpected kind: {kind}")
    return document


def _path(operation: dict[str, Any], name: str) -> list[str]:
    path = operation.get(name)
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _DoesNotApply(f"{name} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _container(document: Any, path: list[str]) -> tuple[_Container, str]:
    """What holds the last part of the path, and that part."""
    if not path:
        raise _DoesNotApply("the whole document cannot be added or removed")
    found = document
    for part in path[:-1]:
        found = _member(found, part)
    if not isinstance(found, (dict, list)):
        raise _DoesNotApply(f"no container at {path}")
    return found, path[-1]


def _member(holder: Any, part: str) -> Any:
    if isinstance(holder, dict) and part in holder:
        return holder[part]
    if isinstance(holder, list):
        return holder[_index(part, len(holder))]
    raise _DoesNotApply(f"no member {part}")


def _index(part: str, length: int) -> int:
    """The place of an existing element; negative ones count from the end."""
    try:
        index = int(part)
    except ValueError as error:
        raise _DoesNotApply(f"{part} is no index") from error
    if not -length <= index < length:
        raise _DoesNotApply(f"index {part} is out of bounds")
    return index % length


def _get(document: Any, path: list[str], *, absent_is_null: bool = False) -> Any:
    if not path:
        return document
    holder, part = _container(document, path)
    if absent_is_null and isinstance(holder, dict):
        return holder.get(part)
    return _member(holder, part)


def _add(document: Any, path: list[str], value: Any) -> None:
    holder, part = _container(document, path)
    if isinstance(holder, dict):
        holder[part] = value
    elif part == "-":
        holder.append(value)
    else:
        holder.insert(_index(part, len(holder) + 1), value)


def _remove(document: Any, path: list[str]) -> None:
    holder, part = _container(document, path)
    if isinstance(holder, list):
        del holder[_index(part, len(holder))]
    elif part in holder:
        del holder[part]
    else:
        raise _DoesNotApply(f"nothing to remove at {path}")


def _replace(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    holder, part = _container(document, path)
    if isinstance(holder, dict):
        holder[part] = value
    else:
        holder[_index(part, len(holder))] = value
    return document


def _equal(left: Any, right: Any) -> bool:
    """Equality of JSON, in which true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
