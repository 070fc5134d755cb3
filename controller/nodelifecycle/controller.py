"""Watches over the nodes: a silent one's conditions become Unknown, taints follow, its pods are not ready.

The decisions are in `health.py`, `taints.py`, `zones.py` and `evictionqueue.py`; `taint_manager.py` evicts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from api.resources import LEASES, NODES, PODS
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, format_time, name_of, namespace_of
from controller.conditions import condition_of
from controller.context import Context
from controller.loop import Controller
from controller.nodelifecycle import metrics
from controller.nodelifecycle.evictionqueue import EvictionQueue
from controller.nodelifecycle.health import Health, is_silent, observe, unknown_conditions
from controller.nodelifecycle.taints import is_being_evicted, wanted_taints
from controller.nodelifecycle.zones import EvictionRates, Zone, all_disrupted, zone_of, zones_of

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
        rates: EvictionRates = EvictionRates(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__(context, workers=8)
        self._period = monitor_period_seconds
        self._grace = grace_seconds
        self._startup_grace = startup_grace_seconds
        self._rates = rates
        self._health: dict[str, Health] = {}
        self._waiting = EvictionQueue()
        self._turns: set[str] = set()  #: nodes that may be tainted NoExecute now
        self._wake = asyncio.Event()
        self._calm = True  #: whether any node is ready
        self._zones: dict[str, Zone] = {}
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
            if old is None:
                self._tell(new, "RegisteredNode", f"Registered Node {name_of(new)} in Controller")
        elif old is not None:
            self._health.pop(name_of(old), None)
            self._turns.discard(name_of(old))
            self._waiting.discard(name_of(old))
            self._tell(old, "RemovingNode", f"Removing Node {name_of(old)} from Controller")

    def _tell(self, node: Object, reason: str, text: str) -> None:
        self._events.event(node, "Normal", reason, f"Node {name_of(node)} event: {text}")

    async def run(self) -> None:
        """Work until cancelled, looking at all nodes regularly."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_regularly(), name=f"{self.name}-monitor")
            group.create_task(self._give_turns(), name=f"{self.name}-evictions")
            await super().run()

    async def _look_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            for node in self._nodes.store.list():
                self.enqueue(node)
            self._wake.set()

    async def _give_turns(self) -> None:
        """Let unready nodes be evicted, zone by zone, at the rate that the zone's health allows."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            self._look_at_zones(loop.time())
            for name in self._waiting.take(loop.time()) if self._calm else ():
                self._turns.add(name)
                self.queue.add(name)
            try:
                async with asyncio.timeout_at(self._waiting.next_at() if self._calm else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _look_at_zones(self, now: float) -> None:
        zones = zones_of(self._nodes.store.list())
        self._waiting.set_rates({name: self._rates.of(zone) for name, zone in zones.items()}, now)
        for name, zone in zones.items():
            metrics.ZONE_SIZE.labels(name).set(zone.size)
            metrics.UNHEALTHY_NODES.labels(name).set(zone.unready)
            metrics.ZONE_HEALTH.labels(name).set(100 * zone.ready / zone.size)
            state, before = zone.state(self._rates.unhealthy_threshold), self._zones.get(name)
            if before is None or before.state(self._rates.unhealthy_threshold) is not state:
                logger.info("Zone is in a new state", extra={"zone": name, "state": state.value})
        for name in self._zones.keys() - zones.keys():
            for gauge in (metrics.ZONE_SIZE, metrics.UNHEALTHY_NODES, metrics.ZONE_HEALTH):
                gauge.remove(name)
        self._zones = zones
        calm = not zones or not all_disrupted(zones.values())
        if calm != self._calm:
            text = "Some nodes are ready: leaving master disruption mode"
            logger.info(text if calm else "No node is ready: entering master disruption mode, nothing is evicted")
            self._calm = calm
            for node in self._nodes.store.list():
                self.enqueue(node)

    async def sync(self, key: str) -> None:
        """Look at one node."""
        node = self._nodes.store.get(key)
        if node is None:
            return
        with metrics.UPDATE_SECONDS.time():
            now = asyncio.get_running_loop().time()
            lease = self._leases.store.get(f"{LEASE_NAMESPACE}/{key}")
            health = self._health[key] = observe(self._health.get(key), node, lease, now)
            silent = is_silent(health, node, now, grace_seconds=self._grace, startup_grace_seconds=self._startup_grace)
            if silent and await self._mark_unknown(node):
                return  # the change that comes back from the server brings the node here again
            await self._set_taints(node)
        # A kubelet that says itself that it is not ready goes on reporting its pods.
        if (condition_of(node, "Ready") or {}).get("status") == "Unknown":
            await self._mark_pods_not_ready(key)

    async def _mark_unknown(self, node: Object) -> bool:
        """Say that the node is silent; False where its conditions say so already."""
        conditions = unknown_conditions(node, self.context.clock())
        if conditions is None:
            return False
        name, was_ready = name_of(node), (condition_of(node, "Ready") or {}).get("status") == "True"
        logger.warning("Node does not report", extra={"node": name})
        status = {**(node.get("status") or {}), "conditions": conditions}
        node = await self.client.update(NODES, {**node, "status": status}, subresource="status")
        if was_ready:
            self._events.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return True

    async def _set_taints(self, node: Object) -> None:
        name = name_of(node)
        evicting = self._evicting(node)
        taints = wanted_taints(node, self.context.clock(), evict=evicting)
        if taints != ((node.get("spec") or {}).get("taints") or []):
            # Taints are a list that others change too: the whole of it, and only for the version that was read.
            body = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": taints}}
            try:
                await self.client.patch(NODES, "", name, body, patch_type="merge")
            except NotFound:
                return
            if evicting and name in self._turns:
                metrics.EVICTIONS.labels(zone_of(node)).inc()
                logger.warning("Node is tainted: pods that do not tolerate it leave", extra={"node": name})
        self._turns.discard(name)

    def _evicting(self, node: Object) -> bool:
        """Whether an unready node has its NoExecute taint, or may get it now; otherwise it waits for its turn."""
        name = name_of(node)
        if (condition_of(node, "Ready") or {}).get("status") not in ("False", "Unknown"):
            self._waiting.discard(name)
            return False
        if not self._calm:
            return False
        if name in self._turns or is_being_evicted(node):
            return True
        self._waiting.add(name, zone_of(node))
        self._wake.set()
        return False

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
            "status": {
                "conditions": [
                    {"type": "Ready", "status": "False", "lastTransitionTime": format_time(self.context.clock())}
                ]
            },
        }
        await self.client.patch(
            PODS, namespace_of(pod), name_of(pod), change, patch_type="strategic", subresource="status"
        )
        self._events.event(pod, "Warning", "NodeNotReady", "Node is not ready")
        logger.info("Pod is not ready, as its node is not", extra={"pod": name_of(pod), "node": node})
