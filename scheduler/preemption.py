"""Making room for an important pod: victims are told and deleted, the pod is promised their node.

The choice is made in `preemption_plan`; this part writes, and remembers who waits for which node."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from api.resources import POD_DISRUPTION_BUDGETS, PODS
from apimachinery.errors import ApiError, NotFound
from apimachinery.objects import Object, format_time, uid_of
from client.events import EventRecorder
from client.informer import InformerFactory
from client.rest import RestClient
from scheduler import metrics
from scheduler.decide import Unschedulable
from scheduler.messages import why_no_preemption
from scheduler.podinfo import DEFAULT_SCHEDULER, PodInfo
from scheduler.preemption_plan import Victims, choose
from scheduler.profile import DEFAULT
from scheduler.snapshot import Snapshot

logger = logging.getLogger(__name__)


class Preemptor:
    """Displaces pods of lower priority."""

    def __init__(
        self, client: RestClient, factory: InformerFactory, recorder: EventRecorder, snapshot: Snapshot
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._snapshot = snapshot
        self._budgets = factory.informer(POD_DISRUPTION_BUDGETS).store
        self._promised: dict[str, str] = {}  # pod uid -> node

    def nominate(self, pod: Object) -> None:
        """Take over what the pod's status says of its promised node."""
        node = (pod.get("status") or {}).get("nominatedNodeName") or ""
        if node:
            self._promise(PodInfo(pod), node)

    def clear(self, uid: str) -> None:
        """The pod has its node, or is gone."""
        node = self._promised.pop(uid, None)
        if node is None:
            return
        waiting = self._snapshot.nominated.get(node, {})
        waiting.pop(uid, None)
        if not waiting:
            self._snapshot.nominated.pop(node, None)

    async def preempt(self, pod: PodInfo, outcome: Unschedulable) -> tuple[str, str]:
        """Displace others for the pod if that helps: the node promised to it ("" for none), and the text for its
        Event where nothing can be done."""
        if not outcome.total_nodes:
            return "", ""
        if not pod.preempts:
            return "", "preemption: not eligible due to preemptionPolicy=Never."
        if self._waits_for_victims(pod):
            return "", "preemption: not eligible due to a terminating pod on the nominated node."
        metrics.PREEMPTION_ATTEMPTS.inc()
        victims = choose(pod, self._snapshot, DEFAULT, outcome, self._budgets.list())
        if victims is None:
            return "", why_no_preemption(outcome)
        self._promise(pod, victims.node)
        await self._displace(pod, victims)
        return victims.node, ""

    def _waits_for_victims(self, pod: PodInfo) -> bool:
        """Whether pods that were displaced for it are still on their way out."""
        node = self._snapshot.nodes.get(self._promised.get(pod.uid, ""))
        return node is not None and any(
            (other.pod.get("metadata") or {}).get("deletionTimestamp") and other.priority < pod.priority
            for other in node.pods.values()
        )

    async def _displace(self, pod: PodInfo, victims: Victims) -> None:
        for victim in victims.pods:
            logger.info("Displacing pod", extra={"pod": victim.key, "for": pod.key, "node": victims.node})
            message = f"{DEFAULT_SCHEDULER}: preempting to accommodate a higher priority pod"
            condition = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": message,
                "lastTransitionTime": format_time(datetime.now(UTC)),
            }
            try:
                await self._client.patch(
                    PODS,
                    victim.namespace,
                    victim.name,
                    {"metadata": {"uid": victim.uid}, "status": {"conditions": [condition]}},
                    patch_type="strategic",
                    subresource="status",
                )
                await self._client.delete(PODS, victim.namespace, victim.name, uid=uid_of(victim.pod))
            except NotFound:
                continue
            except ApiError as error:
                logger.warning("Cannot displace pod", extra={"pod": victim.key, "error": error.message})
                continue
            self._recorder.event(
                victim.pod, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {victims.node}"
            )

    def _promise(self, pod: PodInfo, node: str) -> None:
        self.clear(pod.uid)
        self._promised[pod.uid] = node
        self._snapshot.nominated.setdefault(node, {})[pod.uid] = pod
