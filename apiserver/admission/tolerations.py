"""DefaultTolerationSeconds, TaintNodesByCondition and ExtendedResourceToleration: taints and what tolerates them."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting, containers, only, operation
from apiserver.interfaces import Attributes

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_NO_EXECUTE = "NoExecute"


class DefaultTolerationSeconds(Plugin):
    """Pods stay on a node that is not ready or unreachable for a while, unless they say otherwise."""

    name = "DefaultTolerationSeconds"
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        self._seconds = {
            _NOT_READY: setting.not_ready_toleration_seconds,
            _UNREACHABLE: setting.unreachable_toleration_seconds,
        }

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Add the tolerations that the pod lacks."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        given = spec.get("tolerations") or []
        missing = [key for key in self._seconds if not any(_tolerates(item, key) for item in given)]
        if missing:
            spec["tolerations"] = [*given, *(self._toleration(key) for key in missing)]

    def _toleration(self, key: str) -> Object:
        return {
            "key": key,
            "operator": "Exists",
            "effect": _NO_EXECUTE,
            "tolerationSeconds": self._seconds[key],
        }


def _tolerates(toleration: Object, key: str) -> bool:
    """Whether it is about this taint, or about all."""
    return toleration.get("key") in (key, None, "") and toleration.get("effect") in (_NO_EXECUTE, None, "")


class TaintNodesByCondition(Plugin):
    """New nodes are not ready until their controller says so."""

    name = "TaintNodesByCondition"
    verbs = frozenset({"create"})
    resources = only("", "nodes")

    def __init__(self, setting: Setting) -> None:
        pass

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Add the not-ready taint."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(taint.get("key") == _NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
            spec["taints"] = [*taints, {"key": _NOT_READY, "effect": "NoSchedule"}]


class ExtendedResourceToleration(Plugin):
    """A pod that asks for an extended resource tolerates the taint of that name, which keeps others off such nodes."""

    name = "ExtendedResourceToleration"
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        pass

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Add a toleration for each extended resource asked for."""
        if obj is None or operation(attributes) not in self.verbs:
            return
        spec = obj.setdefault("spec", {})
        wanted = sorted(
            {
                name
                for container in containers(spec)
                for name in ((container.get("resources") or {}).get("requests") or {})
                if is_extended_resource(name)
            }
        )
        given = spec.get("tolerations") or []
        new = [{"key": name, "operator": "Exists"} for name in wanted]
        new = [item for item in new if not any(_same(item, other) for other in given)]
        if new:
            spec["tolerations"] = [*given, *new]


def is_extended_resource(name: str) -> bool:
    """Whether a resource name is of someone's own domain: not Kubernetes' and not a quota's "requests." form."""
    if "/" not in name or name.startswith("requests."):
        return False
    domain = name.partition("/")[0]
    return domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def _same(wanted: Object, given: Object) -> bool:
    fields = ("key", "operator", "value", "effect")
    return all((given.get(field) or "") == (wanted.get(field) or "") for field in fields)
