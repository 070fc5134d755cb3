"""Quality of service and what follows from it: class, CPU shares, quota, memory limit, OOM score.

Pure; the rules are those of pkg/apis/core/v1/helper/qos, pkg/kubelet/cm/helpers_linux.go and pkg/kubelet/qos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.objects import Object
from apimachinery.quantity import parse

GUARANTEED_OOM = -997
BEST_EFFORT_OOM = 1000
SANDBOX_OOM = -998
_QUOTA_PERIOD_US = 100_000


def milli(text: Any) -> int:
    """A CPU quantity in thousandths, rounded up."""
    return parse(text).milli_value()


def whole(text: Any) -> int:
    """A quantity rounded up to whole units (bytes)."""
    return parse(text).value()


def _all_containers(pod: Object) -> list[Mapping[str, Any]]:
    return [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]


def qos_class(pod: Object) -> str:
    """Guaranteed, Burstable or BestEffort."""
    any_set, guaranteed = False, True
    for container in _all_containers(pod):
        resources = container.get("resources") or {}
        requests = {k: v for k, v in (resources.get("requests") or {}).items() if k in ("cpu", "memory")}
        limits = {k: v for k, v in (resources.get("limits") or {}).items() if k in ("cpu", "memory")}
        requests = {k: v for k, v in requests.items() if parse(v)}
        limits = {k: v for k, v in limits.items() if parse(v)}
        any_set = any_set or bool(requests or limits)
        complete = set(limits) == {"cpu", "memory"}
        if not complete or any(parse(requests.get(k, v)) != parse(v) for k, v in limits.items()):
            guaranteed = False
    if not any_set:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def oom_score_adj(pod: Object, container: Mapping[str, Any], memory_capacity: int) -> int:
    """What the kernel adds to the container's badness when memory runs out."""
    if pod["spec"].get("priorityClassName") == "system-node-critical":
        return GUARANTEED_OOM
    quality = qos_class(pod)
    if quality == "Guaranteed":
        return GUARANTEED_OOM
    if quality == "BestEffort":
        return BEST_EFFORT_OOM
    request = whole(((container.get("resources") or {}).get("requests") or {}).get("memory") or 0)
    score = 1000 - (1000 * request) // max(memory_capacity, 1)
    if score < 1000 + GUARANTEED_OOM:
        return 1000 + GUARANTEED_OOM
    return score - 1 if score == BEST_EFFORT_OOM else score


def docker_resources(container: Mapping[str, Any], cfs_quota: bool = True) -> dict[str, int]:
    """The resource fields of Docker's HostConfig: CpuShares from the request, quota and memory from the limits."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    result: dict[str, int] = {}
    cpu_limit = milli(limits.get("cpu") or 0)
    cpu_request = milli(requests["cpu"]) if "cpu" in requests else cpu_limit
    result["CpuShares"] = max(2, min(cpu_request * 1024 // 1000, 262144))
    if cpu_limit and cfs_quota:
        result["CpuPeriod"] = _QUOTA_PERIOD_US
        result["CpuQuota"] = max(1000, cpu_limit * _QUOTA_PERIOD_US // 1000)
    memory = whole(limits.get("memory") or 0)
    if memory:
        result["Memory"] = memory
        result["MemorySwap"] = memory
    return result
