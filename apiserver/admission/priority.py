"""Priority: a pod's priority class becomes its priority; only one class is the global default."""

from __future__ import annotations

from api.resources import PRIORITY_CLASSES
from apimachinery.objects import Object, name_of
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.interfaces import Attributes

_DEFAULT_PREEMPTION = "PreemptLowerPriority"


class Priority(Plugin):
    """Pods and priority classes."""

    name = "Priority"
    resources = {("", "pods"): frozenset({""}), ("scheduling.k8s.io", "priorityclasses"): frozenset({""})}

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._known_default: Object | None = None
        self._default_of = -1  #: the version of the classes that it is the default of

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Fill in a pod's priority; raises Forbidden for an unknown class or another number than its class's."""
        if obj is None or attributes.resource != "pods":
            return
        spec = obj.setdefault("spec", {})
        if operation(attributes) == "update":
            # The values are immutable: those of the old pod stand in for a client that does not know them.
            before = (old or {}).get("spec") or {}
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and before.get(field) is not None:
                    spec[field] = before[field]
            return
        name = spec.get("priorityClassName") or ""
        if name:
            chosen = self._api.get(PRIORITY_CLASSES, "", name)
            if chosen is None:
                chosen = await self._api.get_live(PRIORITY_CLASSES, "", name)
            if chosen is None:
                raise refuse(attributes, f"no PriorityClass with name {name} was found", obj)
        else:
            chosen = self._default()
            if chosen is not None:
                spec["priorityClassName"] = name_of(chosen)
        value = int(chosen.get("value") or 0) if chosen else 0
        policy = (chosen or {}).get("preemptionPolicy") or _DEFAULT_PREEMPTION
        if spec.get("priority") is not None and spec["priority"] != value:
            why = (
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
                "priority admission controller computed "
                f"{value} from the given PriorityClass name"
            )
            raise refuse(attributes, why, obj)
        spec["priority"] = value
        if spec.get("preemptionPolicy") and spec["preemptionPolicy"] != policy:
            why = (
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} from the given PriorityClass name"
            )
            raise refuse(attributes, why, obj)
        spec["preemptionPolicy"] = policy

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden for a second global default."""
        if obj is None or attributes.resource != "priorityclasses" or not obj.get("globalDefault"):
            return []
        for other in self._api.list(PRIORITY_CLASSES):
            if other.get("globalDefault") and name_of(other) != name_of(obj):
                why = f"PriorityClass {name_of(other)} is already marked as default. Only one default can exist"
                raise refuse(attributes, why, obj)
        return []

    def _default(self) -> Object | None:
        """The global default; of several (made at the same time) the lowest. Found anew when a class has changed."""
        version = self._api.version(PRIORITY_CLASSES)
        if version != self._default_of:
            defaults = [item for item in self._api.list(PRIORITY_CLASSES) if item.get("globalDefault")]
            self._known_default = min(defaults, key=lambda item: int(item.get("value") or 0), default=None)
            self._default_of = version
        return self._known_default
