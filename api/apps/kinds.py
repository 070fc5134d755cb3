"""The declarations of the apps/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

SCALE = Subresource(name="scale", kind="Scale", group="autoscaling", version="v1")

KINDS: tuple[Kind, ...] = (
    Kind(resource=r.CONTROLLER_REVISIONS, singular="controllerrevision", storage_path="controllerrevisions"),
    Kind(
        resource=r.DAEMON_SETS,
        singular="daemonset",
        short_names=("ds",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="DaemonSet"),),
        storage_path="daemonsets",
    ),
    Kind(
        resource=r.DEPLOYMENTS,
        singular="deployment",
        short_names=("deploy",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="Deployment")),
        storage_path="deployments",
    ),
    Kind(
        resource=r.REPLICA_SETS,
        singular="replicaset",
        short_names=("rs",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="ReplicaSet")),
        storage_path="replicasets",
    ),
    Kind(
        resource=r.STATEFUL_SETS,
        singular="statefulset",
        short_names=("sts",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="StatefulSet")),
        storage_path="statefulsets",
    ),
)
