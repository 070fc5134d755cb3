"""The declarations of the apps/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.apps import controllerrevision, daemonset, deployment, replicaset, statefulset
from api.kind import Kind, Subresource

SCALE = Subresource(name="scale", kind="Scale", group="autoscaling", version="v1")

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CONTROLLER_REVISIONS,
        strategy=controllerrevision.CONTROLLER_REVISION,
        columns=controllerrevision.COLUMNS,
        cells=controllerrevision.cells,
        singular="controllerrevision",
        storage_path="controllerrevisions",
    ),
    Kind(
        resource=r.DAEMON_SETS,
        strategy=daemonset.DAEMON_SET,
        columns=daemonset.COLUMNS,
        cells=daemonset.cells,
        annotations_not_in_tables=(daemonset.TEMPLATE_GENERATION,),
        singular="daemonset",
        short_names=("ds",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="DaemonSet", strategy=daemonset.DAEMON_SET_STATUS),),
        storage_path="daemonsets",
    ),
    Kind(
        resource=r.DEPLOYMENTS,
        strategy=deployment.DEPLOYMENT,
        columns=deployment.COLUMNS,
        cells=deployment.cells,
        singular="deployment",
        short_names=("deploy",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="Deployment", strategy=deployment.DEPLOYMENT_STATUS)),
        storage_path="deployments",
    ),
    Kind(
        resource=r.REPLICA_SETS,
        strategy=replicaset.REPLICA_SET,
        columns=replicaset.COLUMNS,
        cells=replicaset.cells,
        selectable_fields=replicaset.SELECTABLE,
        singular="replicaset",
        short_names=("rs",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="ReplicaSet", strategy=replicaset.REPLICA_SET_STATUS)),
        storage_path="replicasets",
    ),
    Kind(
        resource=r.STATEFUL_SETS,
        strategy=statefulset.STATEFUL_SET,
        columns=statefulset.COLUMNS,
        cells=statefulset.cells,
        singular="statefulset",
        short_names=("sts",),
        categories=("all",),
        subresources=(SCALE, Subresource(name="status", kind="StatefulSet", strategy=statefulset.STATEFUL_SET_STATUS)),
        storage_path="statefulsets",
    ),
)
