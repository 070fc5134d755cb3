"""The system namespaces and priority classes. Pure data."""

from __future__ import annotations

from collections.abc import Iterator

from api.resources import CONFIG_MAPS, NAMESPACES, PRIORITY_CLASSES
from apimachinery.meta import Resource
from apimachinery.objects import Object

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")

_PRIORITY_CLASSES = {
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
}


def namespaces() -> Iterator[tuple[Resource, Object]]:
    """The namespaces that always exist."""
    for name in SYSTEM_NAMESPACES:
        yield NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def priority_classes() -> Iterator[tuple[Resource, Object]]:
    """The two classes above everything that users may define."""
    for name, (value, description) in _PRIORITY_CLASSES.items():
        yield (
            PRIORITY_CLASSES,
            {
                "apiVersion": PRIORITY_CLASSES.api_version,
                "kind": PRIORITY_CLASSES.kind,
                "metadata": {"name": name},
                "value": value,
                "description": description,
                "preemptionPolicy": "PreemptLowerPriority",
            },
        )


def token_tracking(since: str) -> tuple[Resource, Object]:
    """The config map that tells since when the use of legacy tokens is recorded (a date, "2024-02-14")."""
    name = "kube-apiserver-legacy-service-account-token-tracking"
    metadata = {"name": name, "namespace": "kube-system"}
    return CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"since": since}}


def authentication(data: dict[str, str]) -> tuple[Resource, Object]:
    """The config map from which extension API servers learn whom to trust."""
    metadata = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
    return CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
