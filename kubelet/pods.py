"""The pods of this node: a worker for each, told of every change; and the remains of pods that are no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.container_starter import ContainerStarter
from kubelet.handlers import Handlers
from kubelet.network.errors import NetworkError
from kubelet.node_services import NodeServices
from kubelet.plan import names
from kubelet.plan.records import PodRecord
from kubelet.plan.restart import Backoff
from kubelet.plan.static_pods import is_static
from kubelet.pod_worker import PodWorker
from kubelet.runtime.interface import RuntimeFailure
from kubelet.sandbox import PauseImage
from kubelet.termination import Terminator

logger = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 10.0
_RESTART_SECONDS = 10.0
_TERMINAL = ("Succeeded", "Failed")


class PodManager:
    """Workers by pod uid. `pod_changed` and `wake` are for the informer, the cache and the prober."""

    def __init__(
        self, node: NodeServices, handlers: Handlers, pause: PauseImage,
        admit: Callable[[Object, list[Object]], tuple[str, str] | None],
    ) -> None:  # fmt: skip
        """`admit(pod, others)` gives why the node must reject a new pod next to the others, or None."""
        self._node = node
        self._terminator = Terminator(node, handlers)
        self._starter = ContainerStarter(node, handlers)
        self._pause = pause
        self._admit = admit
        self._backoff = Backoff()
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._api_uids: set[str] = set()
        self._finished: set[str] = set()
        self._closing = False
        #: Told when nothing is left of a pod.
        self.on_end: Callable[[], None] = lambda: None

    def pods(self) -> list[Object]:
        """The pods that the node works on."""
        return [worker.pod for worker in self._workers.values()]

    def worker(self, uid: str) -> PodWorker | None:
        """The worker of the pod."""
        return self._workers.get(uid)

    def find(self, namespace: str, name: str) -> Object | None:
        """The pod of that name."""
        for worker in self._workers.values():
            if name_of(worker.pod) == name and namespace_of(worker.pod) == namespace:
                return worker.pod
        return None

    def address(self, uid: str) -> str:
        """The pod's IP, "" while it has none."""
        worker = self._workers.get(uid)
        return worker.ip if worker else ""

    def wake(self, uid: str) -> None:
        """Something of the pod changed on this node."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The informer's news."""
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            self._api_uids.discard(uid_of(old))
            self._finished.discard(uid_of(old))
            self._node.status.forget(uid_of(old))
            worker = self._workers.get(uid_of(old))
            if worker is not None:
                worker.pod = old
                # Who deleted a pod in the API has waited for its end; a static pod has its grace before it.
                worker.remove(hurry=not is_static(old))
        if new is None:
            return
        uid = uid_of(new)
        self._api_uids.add(uid)
        worker = self._workers.get(uid)
        if worker is not None:
            worker.update(new)
        elif not self._closing and uid not in self._finished:
            self._begin(new)

    def _begin(self, pod: Object) -> PodWorker:
        worker = PodWorker(
            pod, self._node, self._starter, self._terminator, self._pause, self._backoff, self._admit_next_to_others
        )
        self._workers[worker.uid] = worker
        self._spawn(worker)
        return worker

    def _spawn(self, worker: PodWorker) -> None:
        name = f"pod {namespace_of(worker.pod)}/{name_of(worker.pod)}"
        task = asyncio.create_task(worker.run(), name=name)
        self._tasks[worker.uid] = task
        task.add_done_callback(lambda task: self._ended(worker, task))

    def _ended(self, worker: PodWorker, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._closing:
            return
        error = task.exception()
        if error is not None:
            # A defect met by one pod must not stop the others: this pod is tried again, from the beginning.
            logger.error("A pod worker died; it is started again", exc_info=error, extra={"pod": task.get_name()})
            asyncio.get_running_loop().call_later(_RESTART_SECONDS, self._respawn, worker)
            return
        if self._workers.get(worker.uid) is worker:
            del self._workers[worker.uid]
            if worker.uid in self._api_uids:
                self._finished.add(worker.uid)  # its removal from the API is under way
            self._tasks.pop(worker.uid, None)
            self._backoff.forget(worker.uid)
            self.on_end()

    def _respawn(self, worker: PodWorker) -> None:
        if not self._closing and self._workers.get(worker.uid) is worker:
            self._spawn(worker)

    def _admit_next_to_others(self, pod: Object) -> tuple[str, str] | None:
        others = [
            worker.pod
            for worker in self._workers.values()
            if worker.uid != uid_of(pod) and (worker.pod.get("status") or {}).get("phase") not in _TERMINAL
        ]
        return self._admit(pod, others)

    async def run_housekeeping(self) -> None:
        """Every few seconds remove what belongs to no pod of the API: containers, volumes, addresses."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            try:
                await self._collect()
            except (RuntimeFailure, NetworkError, OSError) as error:
                logger.warning("Housekeeping failed", extra={"error": str(error)})

    async def adopt_orphans(self) -> None:
        """End the pods that run here though the API knows them no more; once the informer has synced."""
        for uid in self._node.cache.pod_uids() - self._api_uids:
            if uid in self._workers:
                continue
            pod = _pod_of(uid, self._node.cache.pod(uid))
            logger.info("Ending a pod that is not in the API", extra={"pod": f"{namespace_of(pod)}/{name_of(pod)}"})
            self._begin(pod).remove()

    async def _collect(self) -> None:
        if self._node.cache.trouble is not None:
            return
        await self.adopt_orphans()
        live = self._api_uids | set(self._workers) | self._node.cache.pod_uids()
        await self._node.volumes.collect(live)
        async with self._node.gate.collecting():
            await self._node.network.collect(self._node.cache.sandbox_ids())

    async def drop_dead_containers(self) -> None:
        """Remove containers that have ended and will not be looked at by their pods again: a disk is short."""
        for worker in list(self._workers.values()):
            seen = self._node.cache.pod(worker.uid)
            ended = (worker.pod.get("status") or {}).get("phase") in _TERMINAL
            dead = [record for record in seen.containers if record.state == "exited"]
            if not ended:
                latest = {record.name: record.id for record in reversed(seen.containers)}
                dead = [record for record in dead if latest[record.name] != record.id]
            await self._terminator.remove_containers(dead)

    async def close(self) -> None:
        """End the workers; pods go on without the kubelet."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=10)


def _pod_of(uid: str, seen: PodRecord) -> Object:
    """As much of a forgotten pod as its containers' labels tell."""
    record = (*seen.sandboxes, *seen.containers)[0]
    graces = [int(r.labels.get(names.GRACE_PERIOD) or 30) for r in seen.containers]
    containers: list[dict[str, Any]] = [{"name": name} for name in {r.name for r in seen.containers}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": record.pod_name, "namespace": record.pod_namespace, "uid": uid},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": max(graces, default=30)},
    }
