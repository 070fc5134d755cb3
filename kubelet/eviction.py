"""Watches memory and disk; evicts pods and removes images when they run short; says so in the node's conditions.

Which pod goes is decided in `plan/eviction.py`, which image in `plan/images.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from apimachinery.objects import Object, key_of, uid_of
from kubelet.disk_usage import DiskMeter
from kubelet.machine import memory_info
from kubelet.plan.eviction import (
    SIGNALS,
    Level,
    PodUse,
    Threshold,
    disk_limit_exceeded,
    has_disk_limit,
    is_critical,
    message,
    met,
    rank,
)
from kubelet.plan.node import Usage
from kubelet.plan.pod_status import TERMINAL
from kubelet.runtime.interface import RuntimeFailure
from kubelet.server.stats import StatsProvider

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class EvictionConfig:
    """Thresholds, how long a condition outlasts its cause, and the longest grace of pods that a soft one evicts."""

    thresholds: tuple[Threshold, ...]
    transition_seconds: float
    max_grace_seconds: float = 0.0


class Evict(Protocol):
    """Ends a pod as Failed; `disrupted`: for what the node lacks."""

    def __call__(self, pod: Object, message: str, *, grace_seconds: float, disrupted: bool = False) -> None: ...


class EvictionManager:
    """`pods` gives the pods of the node, `evict` ends one as Failed, `free_disk` removes unused images and dead
    containers."""

    def __init__(
        self, config: EvictionConfig, stats: StatsProvider, meter: DiskMeter, root_dir: str,
        image_dir: Callable[[], str], pods: Callable[[], list[Object]], evict: Evict,
        free_disk: Callable[[], Awaitable[None]], changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._config = config
        self._stats = stats
        self._meter = meter
        self._root_dir = root_dir
        self._image_dir = image_dir
        self._pods = pods
        self._evict = evict
        self._free_disk = free_disk
        self._changed = changed
        self._since: dict[str, float] = {}  #: when each condition was last true
        self._crossed_since: dict[Threshold, float] = {}

    def usage(self) -> Usage:
        """The pressure conditions now."""
        active = {kind for kind, at in self._since.items() if time.monotonic() - at < self._config.transition_seconds}
        return Usage(
            memory_pressure="MemoryPressure" in active,
            disk_pressure="DiskPressure" in active,
            pid_pressure="PIDPressure" in active,
        )

    def admits(self, pod: Object) -> tuple[str, str] | None:
        """Under pressure new pods are turned away, those the node needs excepted: all for disk, those without requests
        for memory."""
        usage = self.usage()
        best_effort = (pod.get("status") or {}).get("qosClass") == "BestEffort"
        pressed = usage.disk_pressure or usage.pid_pressure or (usage.memory_pressure and best_effort)
        if not pressed or is_critical(pod):
            return None
        kinds = [
            name
            for name, on in (
                ("MemoryPressure", usage.memory_pressure),
                ("DiskPressure", usage.disk_pressure),
                ("PIDPressure", usage.pid_pressure),
            )
            if on
        ]
        return "Evicted", f"The node had condition: [{', '.join(kinds)}]. "

    async def run(self) -> None:
        """Look every 10 s until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.look()
            except (OSError, RuntimeFailure) as error:
                logger.warning("Memory and disk could not be looked at", extra={"error": str(error)})

    async def look(self) -> None:
        """One look: at most one pod is evicted for what the node lacks, and all that are over limits of their own."""
        before = self.usage()
        due, levels = await self._due()
        if self.usage() != before:
            self._changed()
        for threshold in due:
            if threshold.resource == "ephemeral-storage":
                logger.warning("Disk is short: removing what is not in use", extra={"signal": threshold.signal})
                await self._free_disk()
                due, levels = await self._due()
                break
        if due:
            await self._evict_one(due[0], levels[due[0].signal])
        await self._enforce_limits()

    async def _due(self) -> tuple[list[Threshold], Mapping[str, Level]]:
        """The thresholds that are crossed now, for as long as their grace is."""
        levels = await asyncio.to_thread(read_levels, self._root_dir, self._image_dir())
        now = time.monotonic()
        crossed = met(self._config.thresholds, levels)
        self._crossed_since = {threshold: self._crossed_since.get(threshold, now) for threshold in crossed}
        due = [one for one in crossed if now - self._crossed_since[one] >= one.grace_seconds]
        for threshold in due:
            self._since[SIGNALS[threshold.signal]] = now
        return due, levels

    async def _evict_one(self, threshold: Threshold, level: Level) -> None:
        ranked = rank(await self._uses(threshold.resource), threshold.resource)
        if not ranked:
            logger.warning("A resource is short and no pod can be evicted", extra={"signal": threshold.signal})
            return
        victim = ranked[0]
        logger.warning("Evicting a pod", extra={"pod": key_of(victim.pod), "used": victim.used})
        grace = self._config.max_grace_seconds if threshold.grace_seconds else 0.0
        self._evict(victim.pod, message(threshold, level, victim), grace_seconds=grace, disrupted=True)

    async def _uses(self, resource: str) -> list[PodUse]:
        pods = {uid_of(pod): pod for pod in self._pods() if not _has_ended(pod)}
        if resource == "ephemeral-storage":
            found = []
            for pod in pods.values():
                use = await self._meter.use(pod)
                found.append(PodUse(pod, use.total, use.containers))
            return found
        by_pod: dict[str, dict[str, int]] = {}
        for one in await self._stats.containers(list(pods.values())):
            by_pod.setdefault(one.pod_uid, {})[one.container] = one.stats.memory_working_set
        if resource == "pids":
            return [PodUse(pods[uid], 0) for uid in by_pod]
        return [PodUse(pods[uid], sum(containers.values()), containers) for uid, containers in by_pod.items()]

    async def _enforce_limits(self) -> None:
        """Evict pods that use more disk than they said they would."""
        for pod in self._pods():
            if _has_ended(pod) or is_critical(pod) or not has_disk_limit(pod):
                continue
            why = disk_limit_exceeded(pod, await self._meter.use(pod))
            if why is not None:
                logger.warning("Evicting a pod over its disk limit", extra={"pod": key_of(pod), "reason": why})
                self._evict(pod, why, grace_seconds=0.0)


def _has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in TERMINAL


def read_levels(root_dir: str, image_dir: str) -> dict[str, Level]:
    """What is available now; blocks briefly. Raises OSError."""
    memory = memory_info()
    levels = {"memory.available": Level(memory.get("MemAvailable", 0), memory.get("MemTotal", 0))}
    for prefix, path in (("nodefs", root_dir), ("imagefs", image_dir)):
        if not Path(path).exists():
            continue
        found = os.statvfs(path)
        levels[f"{prefix}.available"] = Level(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
        if found.f_files:
            levels[f"{prefix}.inodesFree"] = Level(found.f_favail, found.f_files)
    running = sum(1 for path in Path("/proc").iterdir() if path.name.isdigit())
    limit = int(Path("/proc/sys/kernel/pid_max").read_text())
    levels["pid.available"] = Level(limit - running, limit)
    return levels
