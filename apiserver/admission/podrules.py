"""AlwaysPullImages, SecurityContextDeny, PodNodeSelector and LimitPodHardAntiAffinityTopology: small rules about pods,
all off by default."""

from __future__ import annotations

from collections.abc import Mapping

from api.resources import NAMESPACES
from apimachinery import labels
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, containers, only, operation, refuse
from apiserver.interfaces import Attributes

_HOSTNAME = "kubernetes.io/hostname"
_NODE_SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
_CLUSTER_DEFAULT = "clusterDefaultNodeSelector"
_POD_FIELDS = (
    ("supplementalGroups", "SupplementalGroups"),
    ("seLinuxOptions", "SELinuxOptions"),
    ("runAsUser", "RunAsUser"),
    ("fsGroup", "FSGroup"),
)
_CONTAINER_FIELDS = (("seLinuxOptions", "SELinuxOptions"), ("runAsUser", "RunAsUser"))


class AlwaysPullImages(Plugin):
    """Images are pulled for every container, so that only who may pull one can run it."""

    name = "AlwaysPullImages"
    resources = {("", "pods"): frozenset({"", "ephemeralcontainers"})}

    def __init__(self, setting: Setting) -> None:
        pass

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Set every pull policy."""
        before = {item.get("image") for item in containers((old or {}).get("spec") or {})}
        for container in containers((obj or {}).get("spec") or {}):
            if operation(attributes) == "create" or container.get("image") not in before:
                container["imagePullPolicy"] = "Always"


class SecurityContextDeny(Plugin):
    """Pods may not choose users, groups or SELinux options."""

    name = "SecurityContextDeny"
    resources = {("", "pods"): frozenset({"", "ephemeralcontainers"})}

    def __init__(self, setting: Setting) -> None:
        pass

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        spec = (obj or {}).get("spec") or {}
        context = spec.get("securityContext") or {}
        for field, shown in _POD_FIELDS:
            if context.get(field) is not None:
                raise refuse(attributes, f"pod.Spec.SecurityContext.{shown} is forbidden", obj)
        for container in containers(spec):
            context = container.get("securityContext") or {}
            for field, shown in _CONTAINER_FIELDS:
                if context.get(field) is not None:
                    raise refuse(attributes, f"SecurityContext.{shown} is forbidden", obj)
        return []


class PodNodeSelector(Plugin):
    """A namespace's annotation (or the configured default) adds to its pods' node selectors; the configuration may say
    of a namespace which labels they may select by at all."""

    name = "PodNodeSelector"
    verbs = frozenset({"create"})
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        """Raises ValueError for selectors that are none."""
        self._api = setting.api
        configured = setting.configured(self.name).get("podNodeSelectorPluginConfig") or {}
        if not isinstance(configured, dict):
            raise ValueError("PodNodeSelector: podNodeSelectorPluginConfig is no map from namespaces to selectors")
        self._default = str(configured.get(_CLUSTER_DEFAULT) or "")
        self._allowed = {str(name): _labels(str(text or "")) for name, text in configured.items()}

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Merge the namespace's selector; raises Forbidden where the pod's own says otherwise."""
        if obj is None:
            return
        wanted = self._of_namespace(attributes)
        spec = obj.setdefault("spec", {})
        own = spec.get("nodeSelector") or {}
        self._refuse_conflicts(attributes, obj, wanted, own)
        if wanted:
            spec["nodeSelector"] = {**wanted, **own}

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden for a selector beyond what the namespace's pods may have."""
        own = ((obj or {}).get("spec") or {}).get("nodeSelector") or {}
        self._refuse_conflicts(attributes, obj, self._of_namespace(attributes), own)
        allowed = self._allowed.get(attributes.namespace)
        if allowed and any(allowed.get(key) != value for key, value in own.items()):
            raise refuse(attributes, "pod node label selector labels conflict with its namespace whitelist", obj)
        return []

    @staticmethod
    def _refuse_conflicts(
        attributes: Attributes, obj: Object | None, wanted: Mapping[str, str], own: Mapping[str, str]
    ) -> None:
        if any(own.get(key, value) != value for key, value in wanted.items()):
            raise refuse(attributes, "pod node label selector conflicts with its namespace node label selector", obj)

    def _of_namespace(self, attributes: Attributes) -> dict[str, str]:
        namespace = self._api.get(NAMESPACES, "", attributes.namespace)
        text = annotations_of(namespace).get(_NODE_SELECTOR, self._default) if namespace else self._default
        try:
            return _labels(text)
        except ValueError as error:
            raise refuse(attributes, str(error)) from error


def _labels(text: str) -> dict[str, str]:
    """The labels of a selector "a=b,c=d"; raises ValueError."""
    requirements = labels.parse(text).requirements if text else ()
    return {item.key: next(iter(item.values)) for item in requirements if len(item.values) == 1}


class LimitPodHardAntiAffinityTopology(Plugin):
    """Pods may demand to be apart from others by node alone."""

    name = "LimitPodHardAntiAffinityTopology"
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        pass

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        affinity = ((obj or {}).get("spec") or {}).get("affinity") or {}
        required = (affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for term in required:
            if term.get("topologyKey") != _HOSTNAME:
                why = (
                    "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey "
                    f"{term.get('topologyKey')} but only key {_HOSTNAME} is allowed"
                )
                raise refuse(attributes, why, obj)
        return []
