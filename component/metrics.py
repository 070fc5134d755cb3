"""The text of /metrics: what prometheus_client's registry has, without Python's own internals.

process_* come from prometheus_client; workqueue_* and rest_client_* are declared in `client.metrics`."""

from __future__ import annotations

import asyncio
import resource

import prometheus_client
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, REGISTRY, Gauge
from prometheus_client.registry import Collector

from component import exposition
from component.merging import same_everywhere
from component.version import version_info

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def configure() -> None:
    """Drop the collectors that the real daemons have no counterpart of, and tell the build; once per process."""
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped in the library
    for collector in (GC_COLLECTOR, PLATFORM_COLLECTOR):
        # Unregistering twice raises; the second call (several servers in one process) is harmless.
        if collector in REGISTRY._collector_to_names:
            REGISTRY.unregister(collector)
    if "kubernetes_build_info" in REGISTRY._names_to_collectors:
        return
    same_everywhere("kubernetes_build_info", "process_virtual_memory_max_bytes")
    Gauge("process_virtual_memory_max_bytes", "Most virtual memory that the process may have.").set(_memory_limit())
    info = version_info()
    labels = {"git_version": info["gitVersion"], "major": info["major"], "minor": info["minor"]}
    labels |= {"platform": info["platform"], "go_version": info["goVersion"]}
    Gauge("kubernetes_build_info", "Which build this is, as labels; always 1.", list(labels)).labels(**labels).set(1)


def _memory_limit() -> float:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float(limit if limit >= 0 else 2**64 - 1)  # without one, as Go's library shows it


_shown: dict[type[Collector], Collector] = {}


def show(collector: Collector) -> None:
    """Have a collector asked for metrics, in place of the former one of its class (of a server that has ended)."""
    former = _shown.get(type(collector))
    if former is not None:
        REGISTRY.unregister(former)
    REGISTRY.register(collector)
    _shown[type(collector)] = collector


def render() -> bytes:
    """All metrics in the text format 0.0.4."""
    return exposition.text(exposition.families(REGISTRY))


async def text() -> bytes:
    """The same, without holding up the event loop longer than it takes to read the values: a busy API server has
    thousands of lines to write."""
    return await asyncio.to_thread(exposition.text, exposition.families(REGISTRY))
