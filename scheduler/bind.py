"""Writing decisions down: the binding of a pod to its node, its volumes before, its Events and its condition.

The only part of the scheduler that writes to the API server, preemption apart."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from api.placement.volumes import SELECTED_NODE, is_bound, with_claim
from api.resources import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from apimachinery.errors import ApiError, NotFound, ServiceUnavailable
from apimachinery.objects import Object, annotations_of, format_time, name_of, namespace_of, uid_of
from client.events import EventRecorder
from client.rest import RestClient
from scheduler.messages import event_message
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Lookups
from scheduler.volumes import BindVolume, ProvisionVolume

logger = logging.getLogger(__name__)
_BIND_VOLUMES_SECONDS = 600.0
_POLL_SECONDS = 0.5


class BindError(Exception):
    """The pod could not be bound; another attempt may succeed."""


class Binder:
    """Binds pods."""

    def __init__(self, client: RestClient, recorder: EventRecorder, lookups: Lookups) -> None:
        self._client = client
        self._recorder = recorder
        self._lookups = lookups

    async def bind(self, info: PodInfo, node: str, steps: list[BindVolume | ProvisionVolume]) -> None:
        """Bind the pod's volumes and then the pod; raises ApiError or BindError."""
        if steps:
            await self._bind_volumes(steps)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": info.name, "namespace": info.namespace, "uid": info.uid},
            "target": {"kind": NODES.kind, "name": node},
        }
        await self._client.create(PODS, binding, name=info.name, subresource="binding")
        logger.debug("Bound pod", extra={"pod": info.key, "node": node})
        self._recorder.event(info.pod, "Normal", "Scheduled", f"Successfully assigned {info.key} to {node}")

    async def refused(self, info: PodInfo, message: str, *, reason: str = "Unschedulable", nominated: str = "") -> None:
        """Tell by an Event and the pod's PodScheduled condition why it has no node."""
        self._recorder.event(info.pod, "Warning", "FailedScheduling", event_message(message))
        patch = condition_patch(info.pod, reason, message, nominated, datetime.now(UTC))
        if patch is None:
            return
        try:
            await self._client.patch(
                PODS, info.namespace, info.name, patch, patch_type="strategic", subresource="status"
            )
        except NotFound:
            return
        except ServiceUnavailable as error:
            logger.warning("Cannot write why a pod has no node", extra={"pod": info.key, "error": error.message})
        except ApiError as error:
            logger.info("Cannot write why a pod has no node", extra={"pod": info.key, "error": error.message})

    async def _bind_volumes(self, steps: list[BindVolume | ProvisionVolume]) -> None:
        for step in steps:
            if isinstance(step, BindVolume):
                await self._client.update(PERSISTENT_VOLUMES, with_claim(step.volume, step.claim))
            else:
                await self._select_node(step)
        try:
            async with asyncio.timeout(_BIND_VOLUMES_SECONDS):
                for step in steps:
                    await self._wait_bound(step)
        except TimeoutError as error:
            raise BindError("timed out waiting for the condition") from error

    async def _select_node(self, step: ProvisionVolume) -> None:
        claim = step.claim
        if annotations_of(claim).get(SELECTED_NODE) == step.node:
            return
        patch = {
            "metadata": {
                "uid": uid_of(claim),
                "resourceVersion": claim["metadata"]["resourceVersion"],
                "annotations": {SELECTED_NODE: step.node},
            }
        }
        await self._client.patch(
            PERSISTENT_VOLUME_CLAIMS, namespace_of(claim), name_of(claim), patch, patch_type="merge"
        )

    async def _wait_bound(self, step: BindVolume | ProvisionVolume) -> None:
        namespace, name = namespace_of(step.claim), name_of(step.claim)
        while True:
            claim = self._lookups.claim(namespace, name)
            if claim is None:
                raise BindError(f'persistentvolumeclaim "{name}" not found')
            if is_bound(claim):
                return
            selected = annotations_of(claim).get(SELECTED_NODE, "")
            if isinstance(step, ProvisionVolume) and not selected and claim is not step.claim:
                # The provisioner gave up on this node and took the mark away.
                raise BindError(f'failed to provision volume for claim "{name}"')
            await asyncio.sleep(_POLL_SECONDS)


def condition_patch(pod: Object, reason: str, message: str, nominated: str, now: datetime) -> Object | None:
    """The strategic merge patch of the pod's status, or None where it says all that already."""
    status = pod.get("status") or {}
    old = next((item for item in status.get("conditions") or () if item.get("type") == "PodScheduled"), None)
    wanted = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    same = old is not None and all(old.get(key) == value for key, value in wanted.items())
    patch: Object = {}
    if not same:
        changed = old is None or old.get("status") != "False"
        moment = format_time(now) if changed or old is None else old.get("lastTransitionTime")
        patch["conditions"] = [{**wanted, "lastProbeTime": None, "lastTransitionTime": moment}]
    if nominated and status.get("nominatedNodeName") != nominated:
        patch["nominatedNodeName"] = nominated
    return {"status": patch} if patch else None
