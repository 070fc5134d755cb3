"""DefaultIngressClass and DenyServiceExternalIPs: what lets traffic in."""

from __future__ import annotations

from api.resources import INGRESS_CLASSES
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, newest_default, only, refuse
from apiserver.interfaces import Attributes

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"


class DefaultIngressClass(Plugin):
    """Ingresses that name no class get the default one."""

    name = "DefaultIngressClass"
    verbs = frozenset({"create"})
    resources = only("networking.k8s.io", "ingresses")

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Set ingressClassName where neither it nor the old annotation is given."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        if spec.get("ingressClassName") is not None or _CLASS_ANNOTATION in annotations_of(obj):
            return
        chosen = newest_default(self._api.list(INGRESS_CLASSES), (_DEFAULT_ANNOTATION,))
        if chosen is not None:
            spec["ingressClassName"] = chosen["metadata"]["name"]


class DenyServiceExternalIPs(Plugin):
    """No new external IPs on services."""

    name = "DenyServiceExternalIPs"
    resources = only("", "services")

    def __init__(self, setting: Setting) -> None:
        pass

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden for an external IP that was not there before."""
        before = set(((old or {}).get("spec") or {}).get("externalIPs") or ())
        if obj is not None and set((obj.get("spec") or {}).get("externalIPs") or ()) - before:
            raise refuse(attributes, "Use of external IPs is denied by admission control.", obj)
        return []
