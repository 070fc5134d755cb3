"""How often values are encrypted and decrypted, and how long that takes."""

from __future__ import annotations

from time import perf_counter

from component.counter import LightCounter, Tally
from component.histogram import Distribution, LightHistogram

_SECONDS = tuple(5e-6 * 2**power for power in range(14))
_LATENCY = LightHistogram(
    "apiserver_storage_transformation_duration_seconds",
    "Seconds that a value took on its way to or from the store.",
    ("transformation_type", "transformer_prefix"),
    buckets=_SECONDS,
)
_OPERATIONS = LightCounter(
    "apiserver_storage_transformation_operations_total",
    "Values on their way to or from the store.",
    ("transformation_type", "transformer_prefix", "status"),
)
_children: dict[tuple[bool, bytes, bool], tuple[Tally, Distribution]] = {}


def transformed(prefix: bytes, started: float, *, reading: bool, good: bool = True) -> None:
    """One value; `prefix`: that of the key in use, empty where none is; `started`: by perf_counter."""
    key = (reading, prefix, good)
    found = _children.get(key)
    if found is None:
        kind, shown = "from_storage" if reading else "to_storage", prefix.decode() or "identity"
        operations = _OPERATIONS.labels(kind, shown, "OK" if good else "Unknown")
        found = _children[key] = operations, _LATENCY.labels(kind, shown)
    found[0].inc()
    found[1].observe(perf_counter() - started)
