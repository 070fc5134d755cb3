"""The APIServices of the groups that this server serves itself. Pure data.

The numbers put groups, and versions of a group, in the order in which clients prefer them."""

from __future__ import annotations

from collections.abc import Iterator

from api.resources import API_SERVICES
from apimachinery.meta import Resource
from apimachinery.objects import Object

#: group -> (priority of the group, {version: its priority within the group}).
_LOCAL: dict[str, tuple[int, dict[str, int]]] = {
    "": (18000, {"v1": 1}),
    "apps": (17800, {"v1": 15}),
    "events.k8s.io": (17750, {"v1": 15}),
    "authentication.k8s.io": (17700, {"v1": 15}),
    "authorization.k8s.io": (17600, {"v1": 15}),
    "autoscaling": (17500, {"v1": 15, "v2": 30}),
    "batch": (17400, {"v1": 15}),
    "certificates.k8s.io": (17300, {"v1": 15}),
    "networking.k8s.io": (17200, {"v1": 15}),
    "policy": (17100, {"v1": 15}),
    "rbac.authorization.k8s.io": (17000, {"v1": 15}),
    "storage.k8s.io": (16800, {"v1": 15}),
    "apiextensions.k8s.io": (16700, {"v1": 15}),
    "admissionregistration.k8s.io": (16700, {"v1": 15}),
    "scheduling.k8s.io": (16600, {"v1": 15}),
    "coordination.k8s.io": (16500, {"v1": 15}),
    "node.k8s.io": (16300, {"v1": 15}),
    "discovery.k8s.io": (16200, {"v1": 15}),
    "flowcontrol.apiserver.k8s.io": (16100, {"v1beta3": 18, "v1beta2": 15}),
}


def objects() -> Iterator[tuple[Resource, Object]]:
    """One per group and version."""
    for group, (priority, versions) in _LOCAL.items():
        for version, version_priority in versions.items():
            spec: Object = {
                "version": version,
                "groupPriorityMinimum": priority,
                "versionPriority": version_priority,
            }
            if group:
                spec["group"] = group
            yield (
                API_SERVICES,
                {
                    "apiVersion": API_SERVICES.api_version,
                    "kind": API_SERVICES.kind,
                    "metadata": {
                        "name": f"{version}.{group}",
                        "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"},
                    },
                    "spec": spec,
                },
            )
