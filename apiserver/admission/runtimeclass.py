"""RuntimeClass: a pod gets the overhead, node selector and tolerations of the runtime class that it names."""

from __future__ import annotations

from typing import Any

from api.resources import RUNTIME_CLASSES
from apimachinery import quantity
from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting, only, refuse
from apiserver.interfaces import Attributes


class RuntimeClass(Plugin):
    """New pods."""

    name = "RuntimeClass"
    verbs = frozenset({"create"})
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Merge what the class says; raises Forbidden where the pod says otherwise, or there is no such class."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        chosen = await self._chosen(attributes, obj)
        if chosen is None:
            return
        overhead = (chosen.get("overhead") or {}).get("podFixed")
        if overhead:
            if spec.get("overhead") and not _same(spec["overhead"], overhead):
                why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
                raise refuse(attributes, why, obj)
            spec["overhead"] = dict(overhead)
        scheduling = chosen.get("scheduling") or {}
        self._merge_selector(attributes, obj, scheduling.get("nodeSelector") or {})
        own = spec.get("tolerations") or []
        extra = [item for item in scheduling.get("tolerations") or () if item not in own]
        if extra:
            spec["tolerations"] = [*own, *extra]

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden for an overhead that no class gives."""
        if obj is None or not (obj.get("spec") or {}).get("overhead"):
            return []
        chosen = await self._chosen(attributes, obj)
        if not ((chosen or {}).get("overhead") or {}).get("podFixed"):
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refuse(attributes, why, obj)
        return []

    async def _chosen(self, attributes: Attributes, obj: Object) -> Object | None:
        name = obj["spec"].get("runtimeClassName")
        if not name:
            return None
        found = self._api.get(RUNTIME_CLASSES, "", name) or await self._api.get_live(RUNTIME_CLASSES, "", name)
        if found is None:
            raise refuse(attributes, f'pod rejected: RuntimeClass "{name}" not found', obj)
        return found

    @staticmethod
    def _merge_selector(attributes: Attributes, obj: Object, wanted: dict[str, str]) -> None:
        if not wanted:
            return
        own = obj["spec"].get("nodeSelector") or {}
        for key, value in wanted.items():
            if own.get(key, value) != value:
                why = (
                    f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                    f"pod.spec.nodeSelector[{key}] = {own[key]}"
                )
                raise refuse(attributes, why, obj)
        obj["spec"]["nodeSelector"] = {**own, **wanted}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(quantity.parse(one[key]) == quantity.parse(other[key]) for key in one)
