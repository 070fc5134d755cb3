"""Lists of status conditions: found, set, removed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object


def find(conditions: Sequence[Object] | None, type: str) -> Object | None:
    """The condition of that type, or None."""
    return next((item for item in conditions or () if item.get("type") == type), None)


def condition_of(obj: Object, type: str) -> Object | None:
    """The condition of that type in an object's status, or None."""
    return find((obj.get("status") or {}).get("conditions"), type)


def with_condition(conditions: Sequence[Object] | None, wanted: Object) -> list[Object]:
    """The list with `wanted` in place of any of its type. Status and reason unchanged: the list as it was; status
    unchanged: the old lastTransitionTime stays."""
    old = find(conditions, wanted["type"])
    if old is not None and old.get("status") == wanted["status"] and old.get("reason") == wanted.get("reason"):
        return list(conditions or ())
    if old is not None and old.get("status") == wanted["status"] and "lastTransitionTime" in old:
        wanted = {**wanted, "lastTransitionTime": old["lastTransitionTime"]}
    return [*without(conditions, wanted["type"]), wanted]


def without(conditions: Sequence[Object] | None, type: str) -> list[Object]:
    """The list without conditions of that type."""
    return [item for item in conditions or () if item.get("type") != type]
