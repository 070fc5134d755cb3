"""Which resources a quota counts, and the status they add up to. Pure; what an object uses is said by `api.quota`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from api import quota
from api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES
from apimachinery import quantity
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting

_COUNT = "count/"
_BARE = frozenset({"configmaps", "secrets", "replicationcontrollers", "resourcequotas"})


def counted(hard: Iterable[str]) -> set[tuple[str, str]]:
    """The (group, plural) of the resources that have to be looked at for these quota names."""
    found: set[tuple[str, str]] = set()
    for name in hard:
        if name.startswith(_COUNT):
            plural, _, group = name.removeprefix(_COUNT).partition(".")
            found.add((group, plural))
        elif name in _BARE:
            found.add(("", name))
        elif name.startswith("services"):
            found.add(("", SERVICES.plural))
        elif "persistentvolumeclaims" in name or name.endswith("requests.storage"):
            found.add(("", PERSISTENT_VOLUME_CLAIMS.plural))
        else:
            found.add(("", PODS.plural))
    return found


def status(wanted: Object, objects: Mapping[tuple[str, str], Sequence[Object]]) -> Object:
    """The quota's status: what is allowed, and what these objects use of it."""
    hard: Mapping[str, str] = (wanted.get("spec") or {}).get("hard") or {}
    used = dict.fromkeys(hard, quantity.ZERO)
    for (group, plural), items in objects.items():
        for item in items:
            if not quota.covers(wanted, group, plural, item):
                continue
            for name, amount in quota.usage(group, plural, item).items():
                if name in used:
                    used[name] = used[name] + amount
    return {"hard": dict(hard), "used": {name: str(amount) for name, amount in sorted(used.items())}}


def same(old: Object | None, new: Object) -> bool:
    """Whether both say the same amounts, however written."""
    have, want = old or {}, new
    return _amounts(have.get("hard")) == _amounts(want["hard"]) and _amounts(have.get("used")) == _amounts(want["used"])


def _amounts(listed: Mapping[str, str] | None) -> dict[str, quantity.Quantity]:
    return {name: quantity.parse(text) for name, text in (listed or {}).items()}


def frees(resource: Resource, old: Object | None, new: Object | None) -> bool:
    """Whether a change gives something back: admission charges, only this gives back."""
    if new is None:
        return True
    if old is None:
        return False
    if resource is PODS:
        return quota.is_terminal(new) and not quota.is_terminal(old)
    return old.get("spec") != new.get("spec") or is_deleting(new) != is_deleting(old)
