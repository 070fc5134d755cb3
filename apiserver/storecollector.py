"""Metrics of the watch caches, of lists and of allocated addresses and ports, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apiserver.allocation.allocator import ServiceAllocator
from apiserver.registry.registry import Registry
from apiserver.watchcache.cache import WatchCache
from component.merging import same_everywhere

_CACHE = "apiserver_watch_cache_"
_CAPACITY = "watch_cache_capacity"
_OF_CACHES: tuple[tuple[str, str, Callable[[WatchCache], int]], ...] = (
    (_CACHE + "events_received_total", "Changes that came from the store.", lambda cache: cache.received),
    (_CACHE + "events_dispatched_total", "Changes offered to watchers.", lambda cache: cache.received),
    (_CACHE + "initializations_total", "How often the cache was filled.", lambda cache: cache.initializations),
    ("apiserver_init_events_total", "Objects that watches began with.", lambda cache: cache.initial_events),
    ("apiserver_terminated_watchers_total", "Watches that were too slow.", lambda cache: cache.too_slow),
    (_CAPACITY, "Most changes that are kept for watchers.", lambda cache: cache.window.capacity),
)
_OF_LISTS = (
    ("list_total", "Lists.", "lists"),
    ("list_fetched_objects_total", "Objects that lists went through.", "fetched"),
    ("list_evaluated_objects_total", "Objects that were compared with selectors.", "evaluated"),
    ("list_returned_objects_total", "Objects that lists answered with.", "returned"),
)
_ALLOCATOR = "kube_apiserver_"
same_everywhere(
    _CAPACITY,
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
        yield from self._caches()
        yield from self._listings()
        yield from self._allocations()

    def _caches(self) -> Iterator[Metric]:
        for name, text, read in _OF_CACHES:
            family = Metric(name, text, "gauge" if name == _CAPACITY else "counter")
            for store in self._registry.stores:
                family.add_sample(name, {"resource": store.kind.resource.group_resource}, read(store.cache))
            yield family

    def _listings(self) -> Iterator[Metric]:
        for name, text, attribute in _OF_LISTS:
            family = Metric(f"apiserver_storage_{name}", text, "counter")
            for store in self._registry.stores:
                value = getattr(store.cache.store_listings, attribute)
                family.add_sample(family.name, {"resource": store.kind.resource.group_resource}, value)
            yield family
            if attribute != "evaluated":
                yield self._cache_listings(f"apiserver_cache_{name}", text, attribute)

    def _cache_listings(self, name: str, text: str, attribute: str) -> Metric:
        family = Metric(name, text, "counter")
        for store in self._registry.stores:
            listings = store.cache.listings
            if listings.lists:
                labels = {"resource_prefix": f"/{store.kind.storage_path}"}
                if attribute != "returned":
                    labels["index"] = ""
                family.add_sample(name, labels, getattr(listings, attribute))
        return family

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
