"""Fields of pods that belong to features which v1.28 has off: they are dropped before anybody sees them.

Pure (dropDisabledFields in k8s.io/kubernetes/pkg/api/pod/util.go). A pod that has such a field already keeps it: what
was stored once must go on passing as unchanged. The gates are SidecarContainers, InPlacePodVerticalScaling,
UserNamespacesSupport, DynamicResourceAllocation, ProcMountType and PodHostIPs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.core.pod.annotations import CONTAINER_FIELDS

_STATUS_FIELDS = ("hostIPs", "resize", "resourceClaimStatuses")
_CONTAINER_STATUS_FIELDS = ("allocatedResources", "resources")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")

Spec = Mapping[str, Any]


def drop_disabled_fields(spec: dict[str, Any], old: Spec | None = None) -> None:
    """Drop them from the spec of a pod or a template; `old` is what the pod was before this write."""
    for uses, drop in _FEATURES:
        if old is None or not uses(old):
            drop(spec)


def drop_disabled_status(status: dict[str, Any], old: Mapping[str, Any]) -> None:
    """Drop them from a pod's status."""
    for field in _STATUS_FIELDS:
        if not old.get(field):
            status.pop(field, None)
    for kind in _STATUSES:
        for container in status.get(kind) or ():
            for field in _CONTAINER_STATUS_FIELDS:
                container.pop(field, None)


def _containers(spec: Spec) -> list[dict[str, Any]]:
    return [container for kind in CONTAINER_FIELDS for container in spec.get(kind) or ()]


def _restarts_init_containers(spec: Spec) -> bool:
    return any("restartPolicy" in container for container in spec.get("initContainers") or ())


def _drop_init_restarts(spec: dict[str, Any]) -> None:
    for container in spec.get("initContainers") or ():
        container.pop("restartPolicy", None)


def _resizes(spec: Spec) -> bool:
    return any(container.get("resizePolicy") for container in _containers(spec))


def _drop_resizing(spec: dict[str, Any]) -> None:
    for container in _containers(spec):
        container.pop("resizePolicy", None)


def _has_own_users(spec: Spec) -> bool:
    return "hostUsers" in spec


def _drop_own_users(spec: dict[str, Any]) -> None:
    spec.pop("hostUsers", None)


def _claims_devices(spec: Spec) -> bool:
    return bool(spec.get("resourceClaims"))


def _drop_device_claims(spec: dict[str, Any]) -> None:
    spec.pop("resourceClaims", None)
    for container in _containers(spec):
        (container.get("resources") or {}).pop("claims", None)


def _unmasks_proc(spec: Spec) -> bool:
    return any(_proc_mount(container) not in (None, "Default") for container in _containers(spec))


def _mask_proc(spec: dict[str, Any]) -> None:
    """The one field that is set rather than dropped: v1.12 wrote it into every container."""
    for container in _containers(spec):
        if _proc_mount(container) is not None:
            container["securityContext"]["procMount"] = "Default"


def _proc_mount(container: Mapping[str, Any]) -> str | None:
    mount: str | None = (container.get("securityContext") or {}).get("procMount")
    return mount


#: For each feature whether a spec makes use of it, and how to take that use away.
_FEATURES: tuple[tuple[Callable[[Spec], bool], Callable[[dict[str, Any]], None]], ...] = (
    (_has_own_users, _drop_own_users),
    (_unmasks_proc, _mask_proc),
    (_claims_devices, _drop_device_claims),
    (_resizes, _drop_resizing),
    (_restarts_init_containers, _drop_init_restarts),
)
