"""The EndpointSlices of which one controller says that it manages them, by the key of their Service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apimachinery.objects import Object, labels_of, name_of, namespace_of
from client.informer import Informer
from controller.endpointslice.plan import MANAGED_BY, SERVICE_NAME
from controller.endpointslice.tracker import SliceTracker


class ManagedSlices:
    """An index of them, with what was written and not yet seen. Every change makes its Service's key due."""

    def __init__(self, slices: Informer, manager: str, due: Callable[[str], None]) -> None:
        """`manager`: the value of endpointslice.kubernetes.io/managed-by. `due` gets the key "namespace/name"."""
        self.tracker = SliceTracker()
        self._store = slices.store
        self._manager = manager
        self._due = due
        self._index = f"managed-by-{manager}"  # the informer is shared with other managers
        slices.add_index(self._index, self._service_keys)
        slices.on_change(self._changed)

    def of(self, key: str) -> Sequence[Object]:
        """Those of one Service."""
        return self._store.by_index(self._index, key)

    def _service_keys(self, current: Object) -> list[str]:
        labels = labels_of(current)
        if labels.get(MANAGED_BY) != self._manager or SERVICE_NAME not in labels:
            return []
        return [f"{namespace_of(current)}/{labels[SERVICE_NAME]}"]

    def _changed(self, old: Object | None, new: Object | None) -> None:
        for current in (old, new):
            for key in self._service_keys(current) if current else ():
                if new is None and current is not None:
                    self.tracker.gone(key, name_of(current))
                self._due(key)
