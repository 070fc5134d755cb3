"""Clears away pods that nobody else will: on lost nodes, in deletion but never scheduled, old finished ones.

Which ones is decided in `plan.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from api.resources import NODES, PODS
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, format_time, name_of, namespace_of
from controller.context import Context
from controller.loop import Controller
from controller.podgc import plan
from controller.pods import is_finished

logger = logging.getLogger(__name__)
_PERIOD_SECONDS = 20.0
#: How long a node must be unknown before its pods are given up: its Node object may just not have arrived yet.
_QUARANTINE_SECONDS = 40.0
_KEY = "all"
_NODE_IS_GONE = {
    "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"
}  # fmt: skip


class PodGarbageCollector(Controller):
    """One key: every pass looks at all pods."""

    name = "pod_gc"

    def __init__(self, context: Context, *, terminated_threshold: int) -> None:
        super().__init__(context, workers=1)
        self._threshold = terminated_threshold
        self._pods = self.watch(PODS)
        self._nodes = self.watch(NODES)
        self._missing_since: dict[str, float] = {}
        self.queue.add(_KEY)

    async def sync(self, key: str) -> None:
        """One pass, and the next one queued."""
        self.queue.add_after(_KEY, _PERIOD_SECONDS)
        pods = self._pods.store.list()
        lost = await self._lost_nodes(pods)
        for pod in plan.on_nodes(pods, lost):
            await self._fail_first(pod, _NODE_IS_GONE)
            await self._delete(pod)
        for pod in [*plan.stranded(pods, self._nodes.store.list()), *plan.unscheduled_terminating(pods)]:
            await self._fail_first(pod)
            await self._delete(pod)
        for pod in plan.surplus(pods, self._threshold):
            await self._delete(pod)

    async def _lost_nodes(self, pods: Sequence[Object]) -> set[str]:
        """Nodes that pods name, that have been missing for a while and that the API server does not know either."""
        now = asyncio.get_running_loop().time()
        missing = plan.bound_elsewhere(pods, {name_of(node) for node in self._nodes.store.list()})
        self._missing_since = {name: self._missing_since.get(name, now) for name in missing}
        lost = set()
        for name, since in self._missing_since.items():
            if now - since >= _QUARANTINE_SECONDS and not await self._exists(name):
                lost.add(name)
        return lost

    async def _exists(self, node: str) -> bool:
        try:
            await self.client.get(NODES, "", node)
        except NotFound:
            return False
        return True

    async def _fail_first(self, pod: Object, *conditions: Object) -> None:
        """A pod that is given up is Failed before it is gone, so that its controller sees how it ended."""
        if is_finished(pod):
            return
        now = format_time(self.context.clock())
        dated = [{**condition, "lastTransitionTime": now} for condition in conditions]
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": {"phase": "Failed", "conditions": dated}}
        try:
            await self.client.patch(
                PODS, namespace_of(pod), name_of(pod), body, patch_type="strategic", subresource="status"
            )
        except (NotFound, Conflict):
            return  # gone, or another pod of that name: the deletion's precondition will tell

    async def _delete(self, pod: Object) -> None:
        logger.info("Clearing away pod", extra={"pod": f"{namespace_of(pod)}/{name_of(pod)}"})
        try:
            await self.client.delete(
                PODS, namespace_of(pod), name_of(pod), grace_period_seconds=0, uid=pod["metadata"]["uid"]
            )
        except (NotFound, Conflict):
            return
        except ApiError as error:
            logger.warning("Cannot clear away pod", extra={"pod": name_of(pod), "error": error.message})
