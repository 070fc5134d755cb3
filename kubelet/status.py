"""The status manager: what each pod's status should be, and its writing to the API server, one write per pod at a time.

Statuses set in quick succession are written as one. A pod that has ended after its deletion is removed from the API
here, after its last status was written. Nothing here survives a restart, and nothing needs to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.resources import PODS
from apimachinery.errors import ApiError, Conflict, Forbidden, Invalid, NotFound
from apimachinery.objects import Object, name_of, namespace_of, uid_of
from client.rest import RestClient
from client.workqueue import ShutDown, WorkQueue
from kubelet.plan.phase import is_owned
from kubelet.plan.pod_status import status_patch
from kubelet.plan.static_pods import is_static

logger = logging.getLogger(__name__)
_WRITERS = 8
#: What could not be written is tried again at least this often (syncPeriod of the real status manager).
_RETRY_SECONDS = 10.0


@dataclass(slots=True)
class _Wanted:
    pod: Object
    status: dict[str, Any]
    delete: bool = False


class StatusManager:
    """Pod statuses on their way to the API server. `latest` gives the informer's pod by key, `mirror` for a static pod
    the pod of the API that shows it."""

    def __init__(
        self, client: RestClient, latest: Callable[[str], Object | None],
        mirror: Callable[[Object], Object | None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._client = client
        self._latest = latest
        self._mirror = mirror
        self._wanted: dict[str, _Wanted] = {}
        self._written: dict[str, Object] = {}
        self._queue = WorkQueue("pod_status", base_delay_seconds=0.2, max_delay_seconds=_RETRY_SECONDS)

    def set(self, pod: Object, status: dict[str, Any]) -> None:
        """This is the pod's status now."""
        uid = uid_of(pod)
        before = self._wanted.get(uid)
        if before is not None and before.status == status:
            return
        self._wanted[uid] = _Wanted(pod, status, before.delete if before else False)
        self._queue.add(uid)

    def finish(self, pod: Object, status: dict[str, Any]) -> None:
        """The pod was deleted and nothing of it runs any more: write its last status and remove it from the API."""
        self._wanted[uid_of(pod)] = _Wanted(pod, status, delete=True)
        self._queue.add(uid_of(pod))

    def write_again(self, uid: str) -> None:
        """What the pod's status is written to has changed: a static pod got another mirror pod."""
        if uid in self._wanted:
            self._written.pop(uid, None)
            self._queue.add(uid)

    def forget(self, uid: str) -> None:
        """The pod is gone from the API."""
        self._wanted.pop(uid, None)
        self._written.pop(uid, None)
        self._queue.forget(uid)

    def view(self, pod: Object) -> Object:
        """The pod with the status set here last, which the API may not have yet; foreign conditions as in the API."""
        wanted = self._wanted.get(uid_of(pod))
        if wanted is None:
            return pod
        listed = (pod.get("status") or {}).get("conditions") or ()
        foreign = [condition for condition in listed if not is_owned(condition)]
        own = [c for c in wanted.status.get("conditions") or () if is_owned(c)]
        return {**pod, "status": {**wanted.status, "conditions": [*own, *foreign]}}

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(_WRITERS):
                group.create_task(self._write_all(), name=f"pod-status-writer-{number}")

    async def _write_all(self) -> None:
        while True:
            try:
                uid = await self._queue.get()
            except ShutDown:
                return
            try:
                await self._write(uid)
                self._queue.forget(uid)
            except ApiError as error:
                logger.warning("A pod's status could not be written", extra={"pod": uid, "error": str(error)})
                self._queue.add_rate_limited(uid)
            finally:
                self._queue.done(uid)

    async def _write(self, uid: str) -> None:
        wanted = self._wanted.get(uid)
        if wanted is None:
            return
        try:
            base = self._base(wanted.pod)
            if base is None:
                return
            patch = status_patch(base, wanted.status)
            if patch is not None:
                self._written[uid] = await self._client.patch(
                    PODS, namespace_of(base), name_of(base), patch, patch_type="strategic", subresource="status"
                )
            if wanted.delete:
                await self._client.delete(
                    PODS, namespace_of(wanted.pod), name_of(wanted.pod), grace_period_seconds=0, uid=uid
                )
        except (NotFound, Conflict):
            # Gone, or another pod of that name: the informer will say so, and the worker ends.
            logger.debug("A pod whose status was to be written is gone", extra={"pod": uid})
        except (Invalid, Forbidden) as error:
            # Trying the same again would fail the same way; the next change is written anew.
            logger.error("The API server refuses a pod's status", extra={"pod": uid, "error": str(error)})

    def _base(self, pod: Object) -> Object | None:
        """The newest version of the pod known here: the informer's, or the answer to our last write. None: a static
        pod that the API does not show yet."""
        uid = uid_of(pod)
        if is_static(pod):
            mirror, written = self._mirror(pod), self._written.get(uid)
            if mirror is None or written is None or uid_of(mirror) != uid_of(written):
                return mirror
            return max((mirror, written), key=_version)
        found = self._latest(f"{namespace_of(pod)}/{name_of(pod)}")
        candidates = [p for p in (found, self._written.get(uid)) if p is not None and uid_of(p) == uid]
        return max(candidates, key=_version, default=pod)


def _version(pod: Object) -> int:
    text = (pod.get("metadata") or {}).get("resourceVersion") or "0"
    return int(text) if text.isdigit() else 0
