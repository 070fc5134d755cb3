"""Gives every node a pod CIDR out of --cluster-cidr. Which one is decided in `plan.py`."""

from __future__ import annotations

from api.resources import NODES
from apimachinery.errors import ApiError
from apimachinery.objects import Object, name_of
from controller.context import Context
from controller.loop import Controller, RetryLater
from controller.nodeipam.plan import CidrSet


def _cidrs_of(node: Object) -> list[str]:
    spec = node.get("spec") or {}
    return spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])


class NodeIpamController(Controller):
    """Keys are names of nodes. One worker: the set of free CIDRs has one owner."""

    name = "node_ipam"

    def __init__(self, context: Context, *, cluster_cidr: str, node_mask_size: int) -> None:
        super().__init__(context, workers=1)
        self._cidrs = CidrSet(cluster_cidr, node_mask_size)
        self._nodes = self.watch(NODES)
        self._events = context.recorder("cidrAllocator")
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        for cidr in _cidrs_of(new) if new else ():
            self._cidrs.occupy(cidr)
        if new is None and old is not None:
            for cidr in _cidrs_of(old):
                self._cidrs.release(cidr)
        elif new is not None and not _cidrs_of(new):
            self.enqueue(new)

    async def sync(self, key: str) -> None:
        """Give the node a CIDR where it has none; all nodes' CIDRs are known by then, as the informer is synced."""
        node = self._nodes.store.get(key)
        if node is None or _cidrs_of(node):
            return
        cidr = self._cidrs.allocate()
        if cidr is None:
            text = f"Node {key} status is now: CIDRNotAvailable"
            self._events.event(node, "Normal", "CIDRNotAvailable", text)
            raise RetryLater("no pod CIDR is left")
        # With the resourceVersion read: a second manager's choice must not be overwritten.
        version = node["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}
        try:
            await self.client.patch(NODES, "", name_of(node), patch, patch_type="strategic")
        except ApiError:
            self._cidrs.release(cidr)
            raise
