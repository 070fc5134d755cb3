"""Static pods and their mirror pods, kept in step with the manifests and the API: the shell around
`plan/static_pods.py`.

Files are looked at every second (only their time and size, unless these changed) and need no API server: a control
plane can be made of static pods. Mirror pods follow once there is one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from api.resources import PODS
from apimachinery.errors import ApiError, NotFound
from apimachinery.objects import Object, key_of, name_of, namespace_of, uid_of
from client.informer import Informer
from client.rest import RestClient
from kubelet.manifests import ManifestFolder
from kubelet.plan.static_pods import fits, is_mirror, is_static, mirror_pod, plan_mirrors
from kubelet.pods import PodManager
from kubelet.status import StatusManager

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 10.0
_LOOK_SECONDS = 1.0


class StaticPods:
    """Gives the pods of `folder` to `pods`, and shows them in the API. `node` gives the Node object once known."""

    def __init__(
        self, folder: ManifestFolder | None, pods: PodManager, status: StatusManager, client: RestClient,
        node: Callable[[], Object | None], *, check_seconds: float = 20.0,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._pods = pods
        self._status = status
        self._client = client
        self._node = node
        self._check_seconds = min(check_seconds, _LOOK_SECONDS)
        self._running: dict[str, Object] = {}
        self._wake_files = asyncio.Event()
        self._wake_mirrors = asyncio.Event()
        self.loaded = asyncio.Event()  #: set when the manifests have been read for the first time
        pods.on_end = self._wake_files.set

    async def run_files(self) -> None:
        """Follow the manifests until cancelled."""
        while self._folder is not None:
            self._wake_files.clear()
            self._reconcile(await asyncio.to_thread(self._folder.pods))
            self.loaded.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_seconds):
                    await self._wake_files.wait()
        self.loaded.set()

    async def run_mirrors(self, informer: Informer) -> None:
        """Keep the mirror pods until cancelled; `informer` is of this node's pods, and synced."""
        await self.loaded.wait()
        while True:
            self._wake_mirrors.clear()
            settled = await self._show(informer)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if settled else _RETRY_SECONDS):
                    await self._wake_mirrors.wait()

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The informer's news: of mirror pods only their images are mended, all others are the pod manager's."""
        mirrors = [pod is not None and is_mirror(pod) for pod in (old, new)]
        if not any(mirrors):
            self._pods.pod_changed(old, new)
            return
        if old is not None and not mirrors[0]:
            self._pods.pod_changed(old, None)
        elif new is not None and not mirrors[1]:
            self._pods.pod_changed(None, new)
        found = new or old
        if found is not None and (static := self._running.get(key_of(found))) is not None:
            self._status.write_again(uid_of(static))
        self._wake_mirrors.set()

    def _reconcile(self, wanted: dict[str, Object]) -> None:
        """Start and end pods; a changed pod starts once its predecessor has ended, as both may want the same port."""
        for key, pod in list(self._running.items()):
            if key not in wanted or uid_of(wanted[key]) != uid_of(pod):
                logger.info("A static pod is gone or changed", extra={"pod": key})
                del self._running[key]
                self._pods.pod_changed(pod, None)
                self._wake_mirrors.set()
        for key, pod in wanted.items():
            if key in self._running or self._pods.find(namespace_of(pod), name_of(pod)) is not None:
                continue
            logger.info("Starting a static pod", extra={"pod": key, "uid": uid_of(pod)})
            self._running[key] = pod
            self._pods.pod_changed(None, pod)
            self._wake_mirrors.set()

    async def _show(self, informer: Informer) -> bool:
        """One round of writes; False: something is left to be tried again."""
        node = self._node()
        if node is None:
            return not self._running
        plan = plan_mirrors(self._running.values(), informer.store.list(), uid_of(node))
        settled = True
        for mirror in plan.delete:
            settled &= await self._delete(mirror)
        for pod in plan.create:
            settled &= await self._create(pod, node)
        # What was deleted is created anew when the informer has told that it is gone.
        return settled

    async def _delete(self, mirror: Object) -> bool:
        try:
            await self._client.delete(
                PODS, namespace_of(mirror), name_of(mirror), grace_period_seconds=0, uid=uid_of(mirror)
            )
        except NotFound:
            return True
        except ApiError as error:
            logger.warning("A mirror pod was not deleted", extra={"pod": key_of(mirror), "error": str(error)})
            return False
        return True

    async def _create(self, pod: Object, node: Object) -> bool:
        try:
            await self._client.create(PODS, mirror_pod(pod, node))
        except ApiError as error:
            logger.warning("A mirror pod was not created", extra={"pod": key_of(pod), "error": str(error)})
            return False
        logger.info("Created a mirror pod", extra={"pod": key_of(pod)})
        return True


def mirror_of(pod: Object, in_api: Object | None, node: Object | None) -> Object | None:
    """The pod of the API that shows a static pod; None where there is none yet."""
    if in_api is None or node is None or not is_static(pod) or not fits(in_api, pod, uid_of(node)):
        return None
    return in_api
