"""What pods and the node use, for /stats/summary and /metrics/resource. `render_metrics` is pure."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apimachinery.objects import Object, format_time, name_of, namespace_of, uid_of
from kubelet.machine import memory_info
from kubelet.pleg import ContainerCache
from kubelet.runtime.interface import ContainerStats, Runtime, RuntimeFailure
from kubelet.server.network_stats import network_stats, read

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ContainerUse:
    """What one container of a pod uses."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    started_at: datetime | None
    stats: ContainerStats


class StatsProvider:
    """Asks the runtime and the kernel."""

    def __init__(self, runtime: Runtime, cache: ContainerCache, node_name: str, root_dir: str) -> None:
        self._runtime = runtime
        self._cache = cache
        self._node_name = node_name
        self._root_dir = root_dir
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._started = datetime.now(UTC)

    async def containers(self, pods: Sequence[Object]) -> list[ContainerUse]:
        """The use of every running container."""
        wanted = [(pod, record) for pod in pods for record in self._cache.pod(uid_of(pod)).running]

        async def one(index: int) -> ContainerUse | None:
            pod, record = wanted[index]
            async with self._slots:
                try:
                    stats = await self._runtime.stats(record)
                except RuntimeFailure:
                    return None  # it ended meanwhile, or the runtime is down: there is nothing to tell
            if stats is None:
                return None
            return ContainerUse(namespace_of(pod), name_of(pod), uid_of(pod), record.name, record.started_at, stats)

        found = await asyncio.gather(*(one(index) for index in range(len(wanted))))
        return [use for use in found if use is not None]

    async def summary(self, pods: Sequence[Object]) -> dict[str, Any]:
        """The stats/v1alpha1 Summary."""
        uses = await self.containers(pods)
        by_pod: dict[str, list[ContainerUse]] = {}
        for use in uses:
            by_pod.setdefault(use.pod_uid, []).append(use)
        now = format_time(datetime.now(UTC))
        memory = await asyncio.to_thread(memory_info)
        disk = await asyncio.to_thread(shutil.disk_usage, self._root_dir)
        filesystem = {"time": now, "availableBytes": disk.free, "capacityBytes": disk.total, "usedBytes": disk.used}
        node = {
            "nodeName": self._node_name,
            "startTime": format_time(self._started),
            "cpu": {"time": now, "usageCoreNanoSeconds": await asyncio.to_thread(_cpu_nanoseconds)},
            "memory": {
                "time": now,
                "availableBytes": memory.get("MemAvailable", 0),
                "usageBytes": memory.get("MemTotal", 0) - memory.get("MemFree", 0),
                "workingSetBytes": memory.get("MemTotal", 0) - memory.get("MemAvailable", 0),
            },
            "fs": filesystem,
            "runtime": {"imageFs": filesystem},
        }
        links = await asyncio.to_thread(self._links, pods, now)
        if own := await asyncio.to_thread(lambda: network_stats(read(None), now)):
            node["network"] = own
        found = [_pod_stats(pod, by_pod.get(uid_of(pod), ()), links.get(uid_of(pod))) for pod in pods]
        return {"node": node, "pods": found}

    def _links(self, pods: Sequence[Object], now: str) -> dict[str, dict[str, Any]]:
        """What went over the links of the pods that have some of their own, by uid. Blocks."""
        result = {}
        for pod in pods:
            sandbox = self._cache.pod(uid_of(pod)).sandbox
            if sandbox is None or not sandbox.running or pod["spec"].get("hostNetwork"):
                continue
            if found := network_stats(read(sandbox.pid), now):
                result[uid_of(pod)] = found
        return result

    async def metrics(self, pods: Sequence[Object]) -> str:
        """/metrics/resource in the text format."""
        uses = await self.containers(pods)
        memory = await asyncio.to_thread(memory_info)
        working_set = memory.get("MemTotal", 0) - memory.get("MemAvailable", 0)
        return render_metrics(uses, await asyncio.to_thread(_cpu_nanoseconds), working_set, datetime.now(UTC))


def _pod_stats(pod: Object, uses: Sequence[ContainerUse], network: dict[str, Any] | None) -> dict[str, Any]:
    containers = [
        {
            "name": use.container,
            "startTime": format_time(use.started_at) if use.started_at else None,
            "cpu": {"time": format_time(use.stats.read_at), "usageCoreNanoSeconds": use.stats.cpu_nanoseconds},
            "memory": {
                "time": format_time(use.stats.read_at),
                "usageBytes": use.stats.memory_usage,
                "workingSetBytes": use.stats.memory_working_set,
            },
        }
        for use in uses
    ]
    return {
        "podRef": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)},
        "startTime": (pod.get("status") or {}).get("startTime"),
        "containers": containers,
        **({"network": network} if network else {}),
        "cpu": {"usageCoreNanoSeconds": sum(use.stats.cpu_nanoseconds for use in uses)},
        "memory": {
            "usageBytes": sum(use.stats.memory_usage for use in uses),
            "workingSetBytes": sum(use.stats.memory_working_set for use in uses),
        },
    }


def render_metrics(
    uses: Sequence[ContainerUse], node_cpu_nanoseconds: int, node_working_set: int, now: datetime
) -> str:
    """The metrics that a metrics server reads."""
    lines = [
        "# HELP container_cpu_usage_seconds_total [STABLE] Processor time used by the container in seconds",
        "# TYPE container_cpu_usage_seconds_total counter",
    ]
    for use in uses:
        lines.append(_sample("container_cpu_usage_seconds_total", use, use.stats.cpu_nanoseconds / 1e9))
    lines += [
        "# HELP container_memory_working_set_bytes [STABLE] Memory that the container cannot do without in bytes",
        "# TYPE container_memory_working_set_bytes gauge",
    ]
    for use in uses:
        lines.append(_sample("container_memory_working_set_bytes", use, use.stats.memory_working_set))
    moment = int(now.timestamp() * 1000)
    lines += [
        "# HELP node_cpu_usage_seconds_total [STABLE] Processor time used by the node in seconds",
        "# TYPE node_cpu_usage_seconds_total counter",
        f"node_cpu_usage_seconds_total {node_cpu_nanoseconds / 1e9:.6f} {moment}",
        "# HELP node_memory_working_set_bytes [STABLE] Memory that the node cannot do without in bytes",
        "# TYPE node_memory_working_set_bytes gauge",
        f"node_memory_working_set_bytes {node_working_set} {moment}",
        "# HELP scrape_error [ALPHA] 1 after an error while the metrics were read, else 0",
        "# TYPE scrape_error gauge",
        "scrape_error 0",
    ]
    return "\n".join(lines) + "\n"


def _sample(name: str, use: ContainerUse, value: float) -> str:
    labels = f'container="{use.container}",namespace="{use.namespace}",pod="{use.pod}"'
    moment = int(use.stats.read_at.timestamp() * 1000)
    shown = f"{value:.6f}" if isinstance(value, float) else str(value)
    return f"{name}{{{labels}}} {shown} {moment}"


def _cpu_nanoseconds() -> int:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, soft, *_ = (int(value) for value in fields)
    return (user + nice + system + irq + soft) * 10_000_000  # clock ticks of 10 ms
