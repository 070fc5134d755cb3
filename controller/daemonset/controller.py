"""Keeps a pod of each daemon set on every node that takes it. Decisions are in `plan.py`, revisions in
`controller.revisions`."""

from __future__ import annotations

import logging

from api.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting, key_of, labels_of, name_of, uid_of
from controller.context import Context
from controller.daemonset import plan
from controller.ownership import controller_reference
from controller.podowner import PodOwnerController, namespace_terminating
from controller.replicaset.plan import BURST_REPLICAS, batches
from controller.replicaset.status import same
from controller.revisions import Revisions

logger = logging.getLogger(__name__)


class DaemonSetController(PodOwnerController):
    """Keys are "namespace/name" of daemon sets."""

    name = "daemonset"
    resource: Resource = DAEMON_SETS
    component = "daemonset-controller"

    def __init__(self, context: Context, *, workers: int = 2) -> None:
        super().__init__(context, workers=workers)
        self._nodes = self.watch(NODES)
        self._nodes.on_change(self._node_changed)
        self._revisions = Revisions(self.client, self.watch(CONTROLLER_REVISIONS), DAEMON_SETS)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _placement(old) == _placement(new):
            return
        for daemon in self.owners.store.list():
            self.enqueue(daemon)

    async def sync(self, key: str) -> None:
        """One pass: missing pods, superfluous ones, outdated ones, status."""
        daemon = self.owners.store.get(key)
        if daemon is None:
            self.expectations.forget(key)
            return
        if not (daemon["spec"].get("selector") or {}) or is_deleting(daemon):
            return
        hash = await self._revisions.current(daemon)
        own = await self.claim(daemon)
        nodes = self._nodes.store.list()
        failure: ApiError | None = None
        if self.expectations.satisfied(key, self.now()):
            failure = await self._manage(key, daemon, own, hash)
        wanted = plan.status(daemon, nodes, own, hash, self.context.clock())
        if not same(daemon.get("status"), wanted):
            await self.write_status(daemon, wanted)
        if failure is not None and not namespace_terminating(failure):
            raise failure
        await self._revisions.trim(daemon, {labels_of(pod).get(plan.HASH_LABEL, "") for pod in own} | {hash})

    async def _manage(self, key: str, daemon: Object, own: list[Object], hash: str) -> ApiError | None:
        nodes = self._nodes.store.list()
        todo = plan.plan(daemon, nodes, own)
        for pod in todo.failed:
            text = f"Found failed daemon pod {key_of(pod)} on node {plan.node_of(pod)}, will try to kill it"
            self.event(daemon, "Warning", "FailedDaemonPod", text)
        doomed = todo.delete
        if not doomed and not todo.create:
            doomed = plan.outdated_to_replace(daemon, nodes, own, hash, self.context.clock())
        doomed, create = doomed[:BURST_REPLICAS], todo.create[:BURST_REPLICAS]
        if doomed:
            self.expectations.expect_deletions(key, [uid_of(pod) for pod in doomed], self.now())
            errors = await self.delete_pods(daemon, doomed)
            return errors[0] if errors else None  # pods that are missing are made when these are gone
        if create:
            self.expectations.expect_creations(key, len(create), self.now())
            return await self._create(key, daemon, create, hash)
        return None

    async def _create(self, key: str, daemon: Object, nodes: list[str], hash: str) -> ApiError | None:
        reference = controller_reference(daemon, DAEMON_SETS)
        done = 0
        for size in batches(len(nodes)):
            made = [plan.pod_for(daemon, node, hash, reference) for node in nodes[done : done + size]]
            done += size
            errors = await self.create_pods(daemon, made)
            if errors:
                self.expectations.creation_observed(key, len(nodes) - done)
                return errors[0]
        return None


def _placement(node: Object) -> tuple[object, ...]:
    """What of a node decides about daemons."""
    return name_of(node), labels_of(node), (node.get("spec") or {}).get("taints")
