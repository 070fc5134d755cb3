"""Evicts pods from nodes whose NoExecute taints they do not tolerate (any longer); when is decided in `eviction.py`."""

from __future__ import annotations

import logging

from api.resources import NODES, PODS
from apimachinery.errors import NotFound
from apimachinery.objects import Object, format_time, is_deleting, key_of, name_of, namespace_of
from controller.context import Context
from controller.loop import Controller
from controller.nodelifecycle.controller import BY_NODE, node_of
from controller.nodelifecycle.eviction import eviction_time

logger = logging.getLogger(__name__)


class TaintManager(Controller):
    """Keys are those of pods."""

    name = "noexec_taint_pod"

    def __init__(self, context: Context, *, workers: int = 8) -> None:
        super().__init__(context, workers=workers)
        self._nodes = self.watch(NODES)
        self._pods = self.watch(PODS)
        self._events = context.recorder("taint-eviction-controller")
        self._condemned: set[str] = set()  #: pods whose time runs
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or (old is not None and _taints(old) == _taints(new)):
            return
        for pod in self._pods.store.by_index(BY_NODE, name_of(new)):
            self.enqueue(pod)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or is_deleting(new):
            self._condemned.discard(key_of(new or old or {}))
        elif node_of(new):
            node = self._nodes.store.get(node_of(new)[0])
            if node is None or any(taint["effect"] == "NoExecute" for taint in _taints(node)):
                self.enqueue(new)

    async def sync(self, key: str) -> None:
        """Evict the pod, come back when its time is up, or leave it be."""
        pod = self._pods.store.get(key)
        if pod is None or is_deleting(pod) or not node_of(pod):
            self._condemned.discard(key)
            return
        node = self._nodes.store.get(node_of(pod)[0])
        if node is None:
            return
        now = self.context.clock()
        due = eviction_time(pod, _taints(node), now)
        if due is None:
            if key in self._condemned:
                self._condemned.discard(key)
                self._events.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key}")
            return
        if due > now:
            self._condemned.add(key)
            self.queue.add_after(key, (due - now).total_seconds())
            return
        await self._evict(pod)

    async def _evict(self, pod: Object) -> None:
        logger.info("Evicting pod from tainted node", extra={"pod": key_of(pod)})
        self._events.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key_of(pod)}")
        uid = pod["metadata"]["uid"]
        condition = {
            "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": format_time(self.context.clock()),
        }  # fmt: skip
        body = {"metadata": {"uid": uid}, "status": {"conditions": [condition]}}
        try:
            await self.client.patch(
                PODS, namespace_of(pod), name_of(pod), body, patch_type="strategic", subresource="status"
            )
            await self.client.delete(PODS, namespace_of(pod), name_of(pod), uid=uid)
        except NotFound:
            return


def _taints(node: Object) -> list[dict[str, str]]:
    return (node.get("spec") or {}).get("taints") or []
