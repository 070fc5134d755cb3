"""Runs the probes of running containers, one task each, and remembers what they say of each container id.

When to probe and what a result means is decided in `plan/probes.py`; `handlers.py` carries probes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from apimachinery.objects import Object, is_deleting, uid_of
from kubelet.handlers import HandlerBroken, HandlerFailed, Handlers
from kubelet.plan.container_status import Readiness
from kubelet.plan.probes import KINDS, ProbeKind, Verdict, initial_good, probe_spec
from kubelet.plan.records import ContainerRecord, PodRecord

logger = logging.getLogger(__name__)

Tell = Callable[[Object, str, str, str, str], None]


@dataclass(slots=True)
class _Probe:
    """One probe of one container of one pod."""

    kind: ProbeKind
    container: Mapping[str, Any]
    pod: Object
    container_id: str = ""
    verdict: Verdict | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Prober:
    """All probes of this node. `seen` gives a pod's containers, `address` its IP, `changed` wakes its worker."""

    def __init__(
        self, handlers: Handlers, seen: Callable[[str], PodRecord], address: Callable[[str], str],
        changed: Callable[[str], None], tell: Tell,
    ) -> None:  # fmt: skip
        self._handlers = handlers
        self._seen = seen
        self._address = address
        self._changed = changed
        self._tell = tell
        self._probes: dict[str, dict[tuple[str, ProbeKind], _Probe]] = {}

    def sync(self, pod: Object) -> None:
        """Probe the pod's containers from now on; also tells its probes that containers may have started."""
        probes = self._probes.setdefault(uid_of(pod), {})
        for container in pod["spec"]["containers"]:
            for kind in KINDS:
                if not container.get(f"{kind}Probe"):
                    continue
                key = (container["name"], kind)
                if key not in probes:
                    probe = _Probe(kind, container, pod)
                    probes[key] = probe
                    name = f"{kind}-probe {pod['metadata']['name']}/{container['name']}"
                    probe.task = asyncio.create_task(self._run(probe), name=name)
                    probe.task.add_done_callback(_log_death)
                else:
                    probes[key].pod = pod
                    if self._is_new(probes[key]):
                        probes[key].wake.set()

    def stop(self, uid: str, kinds: tuple[ProbeKind, ...] = KINDS) -> None:
        """Probe no more (a pod that ends needs no liveness probe)."""
        probes = self._probes.get(uid, {})
        for key in [key for key in probes if key[1] in kinds]:
            task = probes.pop(key).task
            if task is not None:
                task.cancel()
        if not probes:
            self._probes.pop(uid, None)

    def close(self) -> None:
        """Stop every probe."""
        for uid in list(self._probes):
            self.stop(uid)

    def readiness(self, pod: Object) -> Readiness:
        """What the probes say of the pod's running containers; before a probe of an adopted container has run, what
        the API said of the same container holds."""
        ready: dict[str, bool] = {}
        started: dict[str, bool] = {}
        seen = self._seen(uid_of(pod))
        for container in pod["spec"]["containers"]:
            record = seen.latest(container["name"])
            if record is None or not record.running:
                continue
            if container.get("readinessProbe"):
                ready[record.id] = self._good(pod, record, "readiness", "ready")
            if container.get("startupProbe"):
                started[record.id] = self._good(pod, record, "startup", "started")
        return Readiness(ready, started)

    def failed(self, uid: str) -> dict[str, Literal["liveness", "startup"]]:
        """The container ids whose liveness or startup probe has failed."""
        result: dict[str, Literal["liveness", "startup"]] = {}
        for (_, kind), probe in self._probes.get(uid, {}).items():
            if probe.verdict is not None and probe.verdict.good is False and kind != "readiness":
                result[probe.container_id] = kind
        return result

    def _good(self, pod: Object, record: ContainerRecord, kind: ProbeKind, field_name: str) -> bool:
        probe = self._probes.get(record.pod_uid, {}).get((record.name, kind))
        if probe is not None and probe.container_id == record.id and probe.verdict is not None:
            return bool(probe.verdict.good)
        return _in_api(pod, record, field_name)

    def _is_new(self, probe: _Probe) -> bool:
        record = self._record(probe)
        return record is not None and record.running and record.id != probe.container_id

    def _record(self, probe: _Probe) -> ContainerRecord | None:
        return self._seen(uid_of(probe.pod)).latest(probe.container["name"])

    async def _run(self, probe: _Probe) -> None:
        spec = probe_spec(probe.container[f"{probe.kind}Probe"])
        while True:
            delay = spec.period_seconds
            record = self._record(probe)
            if record is not None and record.running and not is_deleting(probe.pod):
                if record.id != probe.container_id or probe.verdict is None:
                    self._adopt(probe, record)
                running = _running_seconds(record)
                verdict = probe.verdict
                if verdict is not None and verdict.due(running, self._started(probe, record)):
                    if await self._probe_once(probe, record, verdict):
                        self._changed(record.pod_uid)
                        self._wake_gated(probe)
                else:
                    delay = (
                        min(delay, max(0.05, spec.initial_delay_seconds - running))
                        if (running < spec.initial_delay_seconds)
                        else delay
                    )
            await _sleep_or_wake(probe.wake, delay)

    def _adopt(self, probe: _Probe, record: ContainerRecord) -> None:
        good = initial_good(probe.kind)
        if probe.kind != "liveness" and _in_api(probe.pod, record, "ready" if probe.kind == "readiness" else "started"):
            good = True
        probe.container_id = record.id
        probe.verdict = Verdict(probe.kind, probe_spec(probe.container[f"{probe.kind}Probe"]), good)

    def _started(self, probe: _Probe, record: ContainerRecord) -> bool:
        if not probe.container.get("startupProbe"):
            return True
        startup = self._probes.get(record.pod_uid, {}).get((record.name, "startup"))
        if startup is None or startup.verdict is None or startup.container_id != record.id:
            return False
        return bool(startup.verdict.good)

    def _wake_gated(self, probe: _Probe) -> None:
        if probe.kind != "startup":
            return
        for (name, kind), other in self._probes.get(uid_of(probe.pod), {}).items():
            if name == probe.container["name"] and kind != "startup":
                other.wake.set()

    async def _probe_once(self, probe: _Probe, record: ContainerRecord, verdict: Verdict) -> bool:
        handler = probe.container[f"{probe.kind}Probe"]
        name = probe.container["name"]
        title = probe.kind.capitalize()
        try:
            warning = await self._handlers.run(
                handler, probe.container, record.id, self._address(record.pod_uid), verdict.spec.timeout_seconds
            )
        except HandlerFailed as failure:
            current = self._record(probe)
            if current is None or current.id != record.id or not current.running:
                return False  # it ended meanwhile: that is not the probe's finding
            self._tell(probe.pod, "Warning", "Unhealthy", f"{title} probe failed: {failure}", name)
            return verdict.observe(False)
        except HandlerBroken as failure:
            current = self._record(probe)
            if current is not None and current.id == record.id and current.running:
                self._tell(probe.pod, "Warning", "Unhealthy", f"{title} probe errored: {failure}", name)
            return False
        if warning:
            self._tell(probe.pod, "Warning", "ProbeWarning", f"{title} probe warning: {warning}", name)
        return verdict.observe(True)


def _in_api(pod: Object, record: ContainerRecord, field_name: str) -> bool:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if status.get("containerID") == f"docker://{record.id}":
            return bool(status.get(field_name))
    return False


def _running_seconds(record: ContainerRecord) -> float:
    if record.started_at is None:
        return 0.0
    return (datetime.now(UTC) - record.started_at).total_seconds()


async def _sleep_or_wake(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()


def _log_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("A probe died", exc_info=error, extra={"probe": task.get_name()})
