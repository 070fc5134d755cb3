"""How long etcd takes: etcd_request_duration_seconds and etcd_requests_total, by operation and resource."""

from __future__ import annotations

from time import perf_counter

from apiserver.storage.interface import Delete, Put
from component.counter import LightCounter, Tally
from component.histogram import Distribution, LightHistogram

_SECONDS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
_DURATIONS = LightHistogram(
    "etcd_request_duration_seconds", "Seconds that calls of etcd took.", ("operation", "type"), buckets=_SECONDS
)
_REQUESTS = LightCounter("etcd_requests_total", "Calls of etcd.", ("operation", "type"))
_ERRORS = LightCounter("etcd_request_errors_total", "Calls of etcd that failed.", ("operation", "type"))
LEASE_OBJECTS = LightHistogram(
    "etcd_lease_object_counts",
    "Values that shared a lease, once it is no longer used for new ones.",
    (),
    buckets=(10.0, 50.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0),
).labels()
_children: dict[tuple[str, str], tuple[Tally, Distribution]] = {}


def observe(operation: str, key: str, seconds: float) -> None:
    """One call about a key or prefix."""
    kind = resource_of(key)
    found = _children.get((operation, kind))
    if found is None:
        labels = (operation, kind)
        found = _children[labels] = (_REQUESTS.labels(*labels), _DURATIONS.labels(*labels))
    found[0].inc()
    found[1].observe(seconds)


class Timed:
    """One call about a key or prefix: a context manager around it."""

    __slots__ = ("_key", "_operation", "_started")

    def __init__(self, operation: str, key: str) -> None:
        self._operation = operation
        self._key = key
        self._started = perf_counter()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        observe(self._operation, self._key, perf_counter() - self._started)
        if error is not None:
            _ERRORS.labels(self._operation, resource_of(self._key)).inc()


def operation_of(write: Put | Delete) -> str:
    """The operation of a commit by its first write. Pure."""
    if isinstance(write, Delete):
        return "delete"
    return "update" if write.expected else "create"


def resource_of(key: str) -> str:
    """The resource of a key: "pods" of /registry/pods/ns/name, with its group where the key has it. Pure."""
    parts = key.strip("/").split("/", 3)
    if len(parts) < 2:
        return ""
    return f"{parts[2]}.{parts[1]}" if "." in parts[1] and len(parts) > 2 else parts[1]
