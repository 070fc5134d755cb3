"""One pod of this node: one task that compares what should be with what is, and does what `plan/actions.py` says.

Woken by changes of the pod, of its containers and of its probes; serial, so that nothing of a pod happens twice at
once. `termination.py` ends pods; `pods.py` owns the workers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from apimachinery.errors import ApiError
from apimachinery.objects import Object, format_time, is_deleting, key_of, parse_time, uid_of
from kubelet.container_starter import ContainerStarter
from kubelet.failures import Interrupted, StartFailed, SyncFailed
from kubelet.metrics import POD_START_SECONDS, STARTED_CONTAINER_ERRORS, STARTED_CONTAINERS
from kubelet.network.errors import NetworkError
from kubelet.node_services import NodeServices, container_field, find_container
from kubelet.plan.actions import PodActions, compute_pod_actions
from kubelet.plan.container_status import StartError
from kubelet.plan.phase import BY_KUBELET, DISRUPTION
from kubelet.plan.pod_status import TERMINAL, pod_status
from kubelet.plan.records import ContainerRecord
from kubelet.plan.restart import Backoff, format_seconds
from kubelet.runtime.interface import RuntimeFailure
from kubelet.sandbox import PauseImage, attach_sandbox, create_sandbox, write_pod_files
from kubelet.termination import Terminator
from kubelet.volumes.interface import HostPath, MountFailed

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 10.0
_ADOPTIONS, _ADOPT_RETRY_SECONDS = 5, 2.0
_VOLUME_RETRY_SECONDS, _VOLUME_RETRY_MAX_SECONDS = 0.5, 16.0
_FRESH_SECONDS = 5.0  #: how old the content of volumes may be when a container starts


class PodWorker:
    """One pod, from the moment the node is told of it until nothing of it is left."""

    def __init__(
        self, pod: Object, node: NodeServices, starter: ContainerStarter, terminator: Terminator, pause: PauseImage,
        backoff: Backoff, admit: Callable[[Object], tuple[str, str] | None],
    ) -> None:  # fmt: skip
        """`admit` gives why the node must reject a new pod (reason, message), or None."""
        self.pod = pod
        self.uid = uid_of(pod)
        self._node = node
        self._starter = starter
        self._terminator = terminator
        self._pause = pause
        self._backoff = backoff
        self._admit = admit
        self._admitted = False
        self._removed = False
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._ending = asyncio.Event()
        self._errors: dict[str, StartError] = {}
        self._failure: tuple[str, str] | None = None
        self._disruption: dict[str, Any] | None = None
        self._next_look = 0.0
        self._mount_delay = _VOLUME_RETRY_SECONDS
        self._volumes: Mapping[str, HostPath] | None = None
        self._refreshed_at = 0.0
        self._seen_at = time.monotonic()
        self._ip: dict[str, str] = {}
        self._adoptions = 0
        self._done = False

    @property
    def ip(self) -> str:
        """The pod's address as far as it is known."""
        sandbox = self._node.cache.pod(self.uid).sandbox
        if sandbox is None or sandbox.id not in self._ip:
            return ""
        return self._node.host_ip if self.pod["spec"].get("hostNetwork") else self._ip[sandbox.id]

    def update(self, pod: Object) -> None:
        """The pod changed in the API."""
        before = self.pod
        self.pod = pod
        if is_deleting(pod):
            self._ending.set()
            now = pod["metadata"].get("deletionGracePeriodSeconds") or 0
            if is_deleting(before) and now < (before["metadata"].get("deletionGracePeriodSeconds") or 0):
                self._hurry.set()
        if _changed(before, pod):
            self.wake()

    def remove(self, *, hurry: bool = True) -> None:
        """The pod is gone from where it came from; `hurry`: without its grace."""
        self._removed = True
        self._ending.set()
        if hurry:
            self._hurry.set()
        self.wake()

    def fail(self, reason: str, message: str, grace_seconds: float, *, disrupted: bool = False) -> None:
        """End the pod as Failed (eviction), after its own grace or `grace_seconds`, whichever is less. `disrupted`: for
        what the node lacks, not for a fault of the pod's own."""
        if self._failure is None:
            self._failure = (reason, message)
            if disrupted:
                self._disruption = {
                    "type": DISRUPTION, "status": "True", "reason": BY_KUBELET, "message": message,
                    "lastProbeTime": None, "lastTransitionTime": format_time(datetime.now(UTC)),
                }  # fmt: skip
            self._ending.set()
            if grace_seconds > 0:
                asyncio.get_running_loop().call_later(grace_seconds, self._hurry.set)
            else:
                self._hurry.set()
            self.wake()

    def wake(self) -> None:
        """Look again soon."""
        self._wake.set()

    async def run(self) -> None:
        """Work until nothing of the pod is left."""
        self._wake.set()
        while not self._done:
            await self._sleep()
            self._next_look = self._node.sync_seconds
            try:
                await self._sync()
            except SyncFailed as error:
                logger.info("Pod not synced", extra={"pod": key_of(self.pod), "error": str(error)})
                self._look_in(_RETRY_SECONDS)
            except (RuntimeFailure, NetworkError, ApiError, OSError) as error:
                logger.warning("Error syncing pod, skipping", extra={"pod": key_of(self.pod), "error": str(error)})
                self._look_in(_RETRY_SECONDS if self._node.cache.trouble is None else 1.0)

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._next_look):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _look_in(self, seconds: float) -> None:
        self._next_look = max(0.05, min(self._next_look, seconds))

    async def _sync(self) -> None:
        pod = self._node.status.view(self.pod)
        if self._removed:
            await self._terminator.end(pod, self._hurry)
            await self._terminator.clean(pod)
            self._done = True
            return
        self._check_deadline(pod)
        phase = (pod.get("status") or {}).get("phase")
        if is_deleting(pod) or phase in TERMINAL or self._failure is not None or not self._check_admission(pod):
            await self._end(pod)
            return
        await self._run_pod(pod)

    def _check_admission(self, pod: Object) -> bool:
        if not self._admitted:
            self._admitted = True
            if not self._node.cache.pod(self.uid).sandboxes:
                self._failure = self._admit(pod)
                if self._failure is not None:
                    reason, message = self._failure
                    self._node.event(pod, "Warning", reason, message.removeprefix("Pod was rejected: "))
        return self._failure is None

    def _check_deadline(self, pod: Object) -> None:
        limit = pod["spec"].get("activeDeadlineSeconds")
        started = (pod.get("status") or {}).get("startTime")
        if limit is None or not started or self._failure is not None:
            return
        left = limit - (datetime.now(UTC) - parse_time(started)).total_seconds()
        if left > 0:
            self._look_in(left + 0.05)
            return
        message = "Pod was active on the node longer than the specified deadline"
        self._failure = ("DeadlineExceeded", message)
        self._node.event(pod, "Normal", "DeadlineExceeded", message)

    async def _end(self, pod: Object) -> None:
        """Stop everything; a deleted pod then leaves the API, one that has only ended stays to be looked at."""
        self._set_status(pod, terminating=True)
        await self._terminator.end(pod, self._hurry)
        final = self._status(self._node.status.view(self.pod), terminating=True)
        if is_deleting(self.pod):
            self._node.status.finish(self.pod, final)
            await self._terminator.clean(pod)
            self._done = True
            return
        self._node.status.set(self.pod, final)
        await self._terminator.release(pod)

    async def _run_pod(self, pod: Object) -> None:
        node = self._node
        if not await self._adopt_sandbox(pod):
            self._look_in(_ADOPT_RETRY_SECONDS)
            return
        seen = node.cache.pod(self.uid)
        sandbox = seen.sandbox
        actions = compute_pod_actions(pod, seen, node.prober.failed(self.uid), bool(self.ip))
        self._set_status(pod)
        if node.status.view(pod)["status"].get("phase") in TERMINAL:
            self.wake()
            return
        if not pod["spec"].get("hostNetwork") and (why := node.network.not_ready()):
            if sandbox is None or not sandbox.running:
                node.event(pod, "Warning", "NetworkNotReady", f"network is not ready: {why}")
            self._look_in(2.0)
            return
        volumes = await self._mount(pod) if _starts_any(actions) else {}
        if actions.kill_pod and sandbox is not None:
            await self._kill_sandbox(pod, actions)
        for kill in actions.kill:
            await self._terminator.stop_one(pod, kill.name, kill.id, kill.message)
        if actions.create_sandbox:
            if sandbox is not None and sandbox.state == "created":
                await self._terminator.remove_containers([sandbox])
            elif actions.sandbox_id:
                node.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            await self._terminator.remove_containers(self._init_records(pod))
            sandbox, ip = await create_sandbox(node, self._pause, pod, actions.attempt)
            self._ip = {sandbox.id: ip}
            await write_pod_files(node, pod, ip)
        if sandbox is not None and sandbox.running:
            await self._start_containers(pod, actions, sandbox, volumes)
        self._set_status(pod)
        await self._refresh_volumes(pod, node.sync_seconds * 0.9)

    async def _adopt_sandbox(self, pod: Object) -> bool:
        """After a restart of the kubelet: the address of a sandbox that runs already. False: try again before the pod
        is given up for having none; what runs is not ended by a network that fails once."""
        sandbox = self._node.cache.pod(self.uid).sandbox
        if sandbox is None or not sandbox.running or sandbox.id in self._ip:
            return True
        if not pod["spec"].get("hostNetwork") and self._node.network.not_ready():
            return True
        try:
            async with self._node.gate.attaching():
                self._ip = {sandbox.id: await attach_sandbox(self._node, pod, sandbox)}
        except NetworkError as error:
            logger.warning("A running sandbox is not on the network", extra={"pod": key_of(pod), "error": str(error)})
            self._adoptions += 1
            return self._adoptions >= _ADOPTIONS
        self._adoptions = 0
        await write_pod_files(self._node, pod, self._ip[sandbox.id])
        return True

    async def _mount(self, pod: Object) -> Mapping[str, HostPath]:
        if self._volumes is not None:
            await self._refresh_volumes(pod, _FRESH_SECONDS)  # what a container that starts again binds a subPath of
            return self._volumes
        try:
            self._volumes = await self._node.volumes.mount(pod)
        except MountFailed as error:
            self._node.event(pod, "Warning", "FailedMount", str(error))
            self._mount_delay = min(self._mount_delay * 2, _VOLUME_RETRY_MAX_SECONDS)
            self._look_in(self._mount_delay)
            raise SyncFailed(str(error)) from error

        self._mount_delay = _VOLUME_RETRY_SECONDS
        self._refreshed_at = time.monotonic()
        return self._volumes

    async def _refresh_volumes(self, pod: Object, seconds: float) -> None:
        """Bring ConfigMaps, Secrets and tokens in its volumes up to date, if that was last done as many seconds ago."""
        if time.monotonic() - self._refreshed_at < seconds:
            return
        if not self._refreshed_at:  # the kubelet before this one started its containers
            await self._node.resources.read_ahead(pod)
        self._refreshed_at = time.monotonic()
        try:
            await self._node.volumes.refresh(pod)
        except MountFailed as error:
            self._node.event(pod, "Warning", "FailedMount", str(error))

    async def _kill_sandbox(self, pod: Object, actions: PodActions) -> None:
        seen = self._node.cache.pod(self.uid)
        for record in seen.running:
            await self._terminator.stop_one(pod, record.name, record.id, f"Stopping container {record.name}")
        for record in seen.sandboxes:
            await self._terminator.stop_sandbox(record)
            if actions.create_sandbox and record.id != actions.sandbox_id:
                await self._terminator.remove_containers([record])

    def _init_records(self, pod: Object) -> list[ContainerRecord]:
        names = {container["name"] for container in pod["spec"].get("initContainers") or ()}
        return [record for record in self._node.cache.pod(self.uid).containers if record.name in names]

    async def _start_containers(
        self, pod: Object, actions: PodActions, sandbox: ContainerRecord, volumes: Mapping[str, HostPath]
    ) -> None:
        for name in actions.start_ephemeral:
            await self._start(pod, name, sandbox, volumes)
        if actions.next_init:
            await self._start(pod, actions.next_init, sandbox, volumes)
            return
        for name in actions.start:
            await self._start(pod, name, sandbox, volumes)
            if self._ending.is_set():
                self.wake()
                return

    async def _start(self, pod: Object, name: str, sandbox: ContainerRecord, volumes: Mapping[str, HostPath]) -> None:
        container = find_container(pod, name)
        if container is None:
            return
        attempt = await self._remove_unstarted(name)
        if attempt is None:
            attempt = self._attempt(pod, name)
        try:
            self._check_back_off(pod, name)
            await self._starter.start(
                pod, container, attempt=attempt, sandbox=sandbox, pod_ip=self._ip.get(sandbox.id, ""),
                volumes=volumes, ending=self._ending,
            )  # fmt: skip
        except Interrupted:
            self.wake()
            return
        except StartFailed as error:
            STARTED_CONTAINER_ERRORS.labels(error.reason, _kind(pod, name)).inc()
            self._errors[name] = error.shown
            self._look_in(error.retry_seconds)
            return
        STARTED_CONTAINERS.labels(_kind(pod, name)).inc()
        self._errors.pop(name, None)
        self._node.prober.sync(pod)
        await self._terminator.drop_old(self._node.cache.pod(self.uid).attempts(name))

    async def _remove_unstarted(self, name: str) -> int | None:
        """A container that was created and never started (the kubelet died in between) is no attempt: its number is
        given to the next."""
        record = self._node.cache.pod(self.uid).latest(name)
        if record is None or record.state != "created":
            return None
        await self._terminator.remove_containers([record])
        return record.attempt

    def _attempt(self, pod: Object, name: str) -> int:
        record = self._node.cache.pod(self.uid).latest(name)
        if record is not None:
            return record.attempt + 1
        for field_name in ("containerStatuses", "initContainerStatuses"):
            for status in (pod.get("status") or {}).get(field_name) or ():
                if status["name"] == name and status.get("containerID"):
                    return int(status.get("restartCount") or 0) + 1
        return 0

    def _check_back_off(self, pod: Object, name: str) -> None:
        record = self._node.cache.pod(self.uid).latest(name)
        if record is None or record.state != "exited" or record.finished_at is None:
            return
        key = f"{self.uid}/{name}/{record.spec_hash}"
        now = datetime.now(UTC)
        until = self._backoff.until(key, record.finished_at, now)
        if until is None:
            self._backoff.next(key, record.finished_at, now)
            return
        where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({self.uid})"
        self._node.event(pod, "Warning", "BackOff", f"Back-off restarting failed container {name} in pod {where}", name)
        delay = format_seconds(self._backoff.seconds(key))
        message = f"back-off {delay} restarting failed container={name} pod={where}"
        raise StartFailed("CrashLoopBackOff", message, (until - now).total_seconds() + 0.05)

    def _status(self, pod: Object, terminating: bool = False) -> dict[str, Any]:
        node = self._node
        ip = self.ip or (pod.get("status") or {}).get("podIP") or ""
        return pod_status(
            pod, node.cache.pod(self.uid), errors=self._errors, readiness=node.prober.readiness(pod),
            host_ip=node.host_ip, pod_ip=ip, now=datetime.now(UTC), terminating=terminating, failure=self._failure,
            disruption=self._disruption,
        )  # fmt: skip

    def _set_status(self, pod: Object, terminating: bool = False) -> None:
        if not terminating:
            self._node.prober.sync(pod)
        view = self._node.status.view(self.pod)
        status = self._status(view, terminating)
        if status["phase"] == "Running" and (view.get("status") or {}).get("phase") == "Pending":
            POD_START_SECONDS.observe(time.monotonic() - self._seen_at)
        self._node.status.set(self.pod, status)


def _changed(before: Object, after: Object) -> bool:
    """Whether anything changed that is not of our own writing."""
    if before["spec"] != after["spec"]:
        return True
    keys = ("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations")
    if any(before["metadata"].get(key) != after["metadata"].get(key) for key in keys):
        return True
    return bool(after["spec"].get("readinessGates")) and before.get("status") != after.get("status")


def _kind(pod: Object, name: str) -> str:
    field_name = container_field(pod, name).partition("{")[0]
    return {"spec.initContainers": "init_container", "spec.ephemeralContainers": "ephemeral_container"}.get(
        field_name, "container"
    )


def _starts_any(actions: PodActions) -> bool:
    return bool(actions.create_sandbox or actions.start or actions.next_init or actions.start_ephemeral)
