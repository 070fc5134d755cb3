"""Watches over the nodes: a silent one's conditions become Unknown, taints follow, its pods are not ready.

The decisions are in `health.py` and `taints.py`; `taint_manager.py` evicts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from api.resources import LEASES, NODES, PODS
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, name_of, namespace_of
from controller.conditions import condition_of
from controller.context import Context
from controller.loop import Controller
from controller.nodelifecycle.health import Health, all_disrupted, is_silent, observe, unknown_conditions
from controller.nodelifecycle.taints import wanted_taints

logger = logging.getLogger(__name__)
LEASE_NAMESPACE = "kube-node-lease"
BY_NODE = "node"


def node_of(pod: Object) -> list[str]:
    """The index of pods by node: the one the pod is bound to, if any."""
    name = (pod.get("spec") or {}).get("nodeName")
    return [name] if name else []


class NodeLifecycleController(Controller):
    """Keys are names of nodes; all are looked at every `monitor_period_seconds`."""

    name = "node_lifecycle_controller"

    def __init__(
        self,
        context: Context,
        *,
        monitor_period_seconds: float = 5.0,
        grace_seconds: float = 40.0,
        startup_grace_seconds: float = 60.0,
    ) -> None:
        super().__init__(context, workers=8)
        self._period = monitor_period_seconds
        self._grace = grace_seconds
        self._startup_grace = startup_grace_seconds
        self._health: dict[str, Health] = {}
        self._nodes = self.watch(NODES)
        self._pods = self.watch(PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._leases = context.informers.informer(LEASES, namespace=LEASE_NAMESPACE)
        self._informers.append(self._leases)
        self._events = context.recorder("node-controller")
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.enqueue(new)
        elif old is not None:
            self._health.pop(name_of(old), None)

    async def run(self) -> None:
        """Work until cancelled, looking at all nodes regularly."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_regularly(), name=f"{self.name}-monitor")
            await super().run()

    async def _look_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            for node in self._nodes.store.list():
                self.enqueue(node)

    async def sync(self, key: str) -> None:
        """Look at one node."""
        node = self._nodes.store.get(key)
        if node is None:
            return
        now = asyncio.get_running_loop().time()
        lease = self._leases.store.get(f"{LEASE_NAMESPACE}/{key}")
        health = self._health[key] = observe(self._health.get(key), node, lease, now)
        if is_silent(health, node, now, grace_seconds=self._grace, startup_grace_seconds=self._startup_grace):
            node = await self._mark_unknown(node)
        await self._set_taints(node)
        if (condition_of(node, "Ready") or {}).get("status") != "True":
            await self._mark_pods_not_ready(key)

    async def _mark_unknown(self, node: Object) -> Object:
        conditions = unknown_conditions(node, self.context.clock())
        if conditions is None:
            return node
        name = name_of(node)
        logger.warning("Node does not report", extra={"node": name})
        status = {**(node.get("status") or {}), "conditions": conditions}
        node = await self.client.update(NODES, {**node, "status": status}, subresource="status")
        self._events.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return node

    async def _set_taints(self, node: Object) -> None:
        evict = not all_disrupted(self._nodes.store.list())
        taints = wanted_taints(node, self.context.clock(), evict=evict)
        if taints == ((node.get("spec") or {}).get("taints") or []):
            return
        # Taints are a list that others change too: the whole of it, and only for the version that was read.
        body = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": taints}}
        try:
            await self.client.patch(NODES, "", name_of(node), body, patch_type="merge")
        except NotFound:
            return

    async def _mark_pods_not_ready(self, node: str) -> None:
        """Pods of a node that does not report get no traffic: their Ready condition becomes False."""
        for pod in self._pods.store.by_index(BY_NODE, node):
            ready = condition_of(pod, "Ready")
            if ready is None or ready["status"] != "True":
                continue
            try:
                await self._mark_pod_not_ready(pod, node)
            except (NotFound, Conflict):
                continue  # gone, or reported by its kubelet after all
            except ApiError as error:
                logger.warning("Cannot mark pod as not ready", extra={"pod": name_of(pod), "error": error.message})

    async def _mark_pod_not_ready(self, pod: Object, node: str) -> None:
        change: dict[str, Any] = {
            "metadata": {"uid": pod["metadata"]["uid"], "resourceVersion": pod["metadata"]["resourceVersion"]},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]},
        }
        await self.client.patch(
            PODS, namespace_of(pod), name_of(pod), change, patch_type="strategic", subresource="status"
        )
        self._events.event(pod, "Warning", "NodeNotReady", "Node is not ready")
        logger.info("Pod is not ready, as its node is not", extra={"pod": name_of(pod), "node": node})
