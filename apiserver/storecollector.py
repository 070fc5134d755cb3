"""Metrics of the watch caches and of allocated addresses and ports, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apiserver.allocation.allocator import ServiceAllocator
from apiserver.registry.registry import Registry
from component.merging import same_everywhere

_CACHE = "apiserver_watch_cache_"
_ALLOCATOR = "kube_apiserver_"
same_everywhere(
    "watch_cache_capacity",
    *(f"{_ALLOCATOR}clusterip_allocator_{name}_ips" for name in ("allocated", "available")),
    *(f"{_ALLOCATOR}nodeport_allocator_{name}_ports" for name in ("allocated", "available")),
)


class StoreCollector(Collector):
    """Of one API server."""

    def __init__(self, registry: Registry, allocator: ServiceAllocator) -> None:
        self._registry = registry
        self._allocator = allocator

    def describe(self) -> Iterable[Metric]:
        """Nothing to say in advance."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        label = ("resource",)
        received = CounterMetricFamily(_CACHE + "events_received", "Changes that came from the store.", labels=label)
        dispatched = CounterMetricFamily(_CACHE + "events_dispatched", "Changes offered to watchers.", labels=label)
        filled = CounterMetricFamily(_CACHE + "initializations", "How often the cache was filled.", labels=label)
        capacity = GaugeMetricFamily("watch_cache_capacity", "Most changes that are kept for watchers.", labels=label)
        for store in self._registry.stores:
            resource, cache = (store.kind.resource.group_resource,), store.cache
            received.add_metric(resource, cache.received)
            dispatched.add_metric(resource, cache.received)
            filled.add_metric(resource, cache.initializations)
            capacity.add_metric(resource, cache.window.capacity)
        yield from (received, dispatched, filled, capacity)
        yield from self._allocations()

    def _allocations(self) -> Iterator[Metric]:
        prefix, label = _ALLOCATOR + "clusterip_allocator_", ("cidr",)
        taken = GaugeMetricFamily(prefix + "allocated_ips", "Cluster IPs that Services have.", labels=label)
        free = GaugeMetricFamily(prefix + "available_ips", "Cluster IPs that none has.", labels=label)
        for cidr, used, left in self._allocator.addresses:
            taken.add_metric((cidr,), used)
            free.add_metric((cidr,), left)
        yield from (taken, free)
        used, left = self._allocator.ports
        prefix = _ALLOCATOR + "nodeport_allocator_"
        for name, text, value in (
            ("allocated_ports", "Node ports that Services have.", used),
            ("available_ports", "Node ports that none has.", left),
        ):
            yield GaugeMetricFamily(prefix + name, text, value=value)
