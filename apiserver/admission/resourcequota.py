"""ResourceQuota: what is created is charged to the namespace's quotas, or refused. Exact under concurrent creates.

A charge is a conditional write of the quota's status: of two that do not both fit, one fails and looks again. What
fails after it was charged is put right by the quota controller, as in the reference."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

from api.quota import Usage, covers, missing_requirements, usage
from api.resources import RESOURCE_QUOTAS
from apimachinery import quantity
from apimachinery.errors import Conflict, NotFound
from apimachinery.objects import Object, is_deleting, name_of
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.interfaces import Attributes

_ZERO = quantity.parse("0")
_TRIES = 10
#: What an update can make use more.
_UPDATED = frozenset({("", "services"), ("", "persistentvolumeclaims")})


class ResourceQuota(Plugin):
    """Everything in namespaces."""

    name = "ResourceQuota"

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        # One charge at a time per namespace spares most of the conflicts; other API servers are met by the condition.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def handles(self, attributes: Attributes) -> bool:
        """Creates, and updates of what can grow; no subresources."""
        if attributes.subresource or not attributes.resource:
            return False
        verb = operation(attributes)
        return verb == "create" or (verb == "update" and (attributes.group, attributes.resource) in _UPDATED)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Charge the quotas; raises Forbidden where one would be exceeded."""
        if obj is None or not attributes.namespace:
            return []
        found = self._api.list(RESOURCE_QUOTAS, attributes.namespace)
        if not found or not (quotas := self._concerned(attributes, obj, found)):
            return []
        wanted = _growth(attributes, obj, old)
        for quota in quotas:
            self._check_requirements(attributes, obj, quota)
        names = [name_of(quota) for quota in quotas if _touched(quota, wanted)]
        if not names:
            return []
        lock = self._locks.setdefault(attributes.namespace, asyncio.Lock())
        async with lock:
            await self._charge(attributes, obj, names, wanted)
        return []

    @staticmethod
    def _concerned(attributes: Attributes, obj: Object, quotas: Iterable[Object]) -> list[Object]:
        return [
            quota
            for quota in quotas
            if not is_deleting(quota) and covers(quota, attributes.group, attributes.resource, obj)
        ]

    @staticmethod
    def _check_requirements(attributes: Attributes, obj: Object, quota: Object) -> None:
        if attributes.group or attributes.resource != "pods":
            return
        missing = missing_requirements(obj, (quota.get("spec") or {}).get("hard") or {})
        if missing:
            listed = "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))
            raise refuse(attributes, f"failed quota: {name_of(quota)}: must specify {listed}", obj)

    async def _charge(self, attributes: Attributes, obj: Object, names: list[str], wanted: Usage) -> None:
        """All quotas are looked at before the first is charged, so that a refusal mostly charges none."""
        found = {name: self._api.get(RESOURCE_QUOTAS, attributes.namespace, name) for name in names}
        quotas = {name: quota for name, quota in found.items() if quota is not None}
        for quota in quotas.values():
            _charged(attributes, obj, quota, wanted)
        if attributes.dry_run:
            return
        for name, quota in quotas.items():
            await self._charge_one(attributes, obj, name, quota, wanted)

    async def _charge_one(
        self, attributes: Attributes, obj: Object, name: str, quota: Object | None, wanted: Usage
    ) -> None:
        for _ in range(_TRIES):
            if quota is None:
                return
            charged = _charged(attributes, obj, quota, wanted)
            if charged is None:
                return
            try:
                await self._api.update(RESOURCE_QUOTAS, charged, "status")
            except Conflict:
                quota = await self._api.get_live(RESOURCE_QUOTAS, attributes.namespace, name)
            except NotFound:
                return
            else:
                return
        raise refuse(attributes, f"unable to charge quota {name}: it is changed too often, try again", obj)


def _growth(attributes: Attributes, obj: Object, old: Object | None) -> Usage:
    """What the request uses more than before."""
    now = usage(attributes.group, attributes.resource, obj)
    before = usage(attributes.group, attributes.resource, old) if old is not None else {}
    more = {name: amount - before.get(name, _ZERO) for name, amount in now.items()}
    return {name: amount for name, amount in more.items() if amount > _ZERO}


def _touched(quota: Object, wanted: Usage) -> list[str]:
    """The resources of the quota that the request uses."""
    return sorted(name for name in (quota.get("spec") or {}).get("hard") or {} if name in wanted)


def _charged(attributes: Attributes, obj: Object, quota: Object, wanted: Usage) -> Object | None:
    """The quota with the request added to what is used; None where it limits nothing of it. Raises Forbidden."""
    status = quota.get("status") or {}
    hard: Mapping[str, str] = status.get("hard") or {}
    used: Mapping[str, str] = status.get("used") or {}
    names = _touched(quota, wanted)
    if not names:
        return None
    unknown = [name for name in names if name not in hard or name not in used]
    if unknown:
        why = f"status unknown for quota: {name_of(quota)}, resources: {','.join(unknown)}"
        raise refuse(attributes, why, obj)
    totals = {name: quantity.parse(used[name]) + wanted[name] for name in names}
    exceeded = [name for name in names if quantity.parse(hard[name]) < totals[name]]
    if exceeded:
        why = (
            f"exceeded quota: {name_of(quota)}, "
            f"requested: {_listed(exceeded, {name: str(wanted[name]) for name in exceeded})}, "
            f"used: {_listed(exceeded, used)}, limited: {_listed(exceeded, hard)}"
        )
        raise refuse(attributes, why, obj)
    new_used = {**used, **{name: str(total) for name, total in totals.items()}}
    return {**quota, "status": {**status, "used": new_used}}


def _listed(names: Iterable[str], amounts: Mapping[str, object]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in names)
