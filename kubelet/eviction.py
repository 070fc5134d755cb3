"""Watches memory and disk; evicts pods and removes images when they run short; says so in the node's conditions.

Which pod goes is decided in `plan/eviction.py`, which image in `plan/images.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from apimachinery.objects import Object, key_of, uid_of
from kubelet.machine import memory_info
from kubelet.plan.eviction import SIGNALS, Level, PodUse, Threshold, message, met, rank
from kubelet.plan.node import Usage
from kubelet.runtime.interface import RuntimeFailure
from kubelet.server.stats import StatsProvider

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class EvictionConfig:
    """Thresholds and how long a condition outlasts its cause."""

    thresholds: tuple[Threshold, ...]
    transition_seconds: float


class EvictionManager:
    """`pods` gives the pods of the node, `evict` ends one as Failed, `free_images` removes unused images."""

    def __init__(
        self, config: EvictionConfig, stats: StatsProvider, root_dir: str, image_dir: Callable[[], str],
        pods: Callable[[], list[Object]], evict: Callable[[Object, str], None], changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._config = config
        self._stats = stats
        self._root_dir = root_dir
        self._image_dir = image_dir
        self._pods = pods
        self._evict = evict
        self._changed = changed
        self._since: dict[str, float] = {}

    def usage(self) -> Usage:
        """The pressure conditions now."""
        active = {kind for kind, at in self._since.items() if time.monotonic() - at < self._config.transition_seconds}
        return Usage(
            memory_pressure="MemoryPressure" in active,
            disk_pressure="DiskPressure" in active,
            pid_pressure="PIDPressure" in active,
        )

    def admits(self, pod: Object) -> tuple[str, str] | None:
        """Under pressure new pods are turned away: all for disk, those without requests for memory."""
        usage = self.usage()
        best_effort = (pod.get("status") or {}).get("qosClass") == "BestEffort"
        if usage.disk_pressure or usage.pid_pressure or (usage.memory_pressure and best_effort):
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
        return None

    async def run(self) -> None:
        """Look every 10 s until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look()
            except (OSError, RuntimeFailure) as error:
                logger.warning("Memory and disk could not be looked at", extra={"error": str(error)})

    async def _look(self) -> None:
        before = self.usage()
        levels = await asyncio.to_thread(read_levels, self._root_dir, self._image_dir())
        crossed = met(self._config.thresholds, levels)
        for threshold in crossed:
            self._since[SIGNALS[threshold.signal]] = time.monotonic()
        if self.usage() != before:
            self._changed()
        for threshold in crossed:
            if threshold.signal == "memory.available":
                await self._evict_one(threshold, levels[threshold.signal])
                return

    async def _evict_one(self, threshold: Threshold, level: Level) -> None:
        uses = await self._stats.containers(self._pods())
        by_uid: dict[str, int] = {}
        for use in uses:
            by_uid[use.pod_uid] = by_uid.get(use.pod_uid, 0) + use.stats.memory_working_set
        ranked = rank([PodUse(pod, by_uid[uid_of(pod)]) for pod in self._pods() if uid_of(pod) in by_uid], "memory")
        if not ranked:
            logger.warning("Memory is short and no pod can be evicted", extra={"available": level.available})
            return
        victim = ranked[0]
        logger.warning("Evicting a pod", extra={"pod": key_of(victim.pod), "memory": victim.used})
        self._evict(victim.pod, message("memory", threshold, level, victim))


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
