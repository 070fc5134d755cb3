"""ReplicationControllers, by the machinery of replica sets: only the selector is written differently."""

from __future__ import annotations

from api.resources import REPLICATION_CONTROLLERS
from apimachinery import labels
from apimachinery.labels import Selector
from apimachinery.meta import Resource
from apimachinery.objects import Object
from controller.replicaset.controller import ReplicaSetController


class ReplicationControllerController(ReplicaSetController):
    """Keys are "namespace/name" of replication controllers."""

    name = "replicationmanager"
    resource: Resource = REPLICATION_CONTROLLERS
    component = "replication-controller"

    def selector(self, owner: Object) -> Selector:
        """A plain map of labels; an empty one selects nothing."""
        wanted = (owner.get("spec") or {}).get("selector")
        return labels.from_map(wanted) if wanted else labels.NOTHING
