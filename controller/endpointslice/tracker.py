"""Which of its own writes a controller has not yet seen in its informer. Pure.

Without it a sync that runs before the informer has brought a new slice would create the same endpoints again
(k8s.io/endpointslice/util.EndpointSliceTracker)."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object, name_of


class SliceTracker:
    """Per Service: the slices written, and at which generation."""

    def __init__(self) -> None:
        self._written: dict[str, dict[str, int]] = {}

    def wrote(self, service_key: str, written: Object) -> None:
        """A create or update was acknowledged with this object."""
        self._written.setdefault(service_key, {})[name_of(written)] = _generation(written)

    def gone(self, service_key: str, name: str) -> None:
        """The slice was deleted, by us or by someone else."""
        self._written.get(service_key, {}).pop(name, None)

    def forget(self, service_key: str) -> None:
        """The Service is gone."""
        self._written.pop(service_key, None)

    def behind(self, service_key: str, seen: Iterable[Object]) -> bool:
        """Whether the informer still lacks a slice, or has an older one than was written."""
        generations = {name_of(current): _generation(current) for current in seen}
        return any(generations.get(name, -1) < at for name, at in self._written.get(service_key, {}).items())


def _generation(current: Object) -> int:
    generation: int = current["metadata"].get("generation") or 0
    return generation
