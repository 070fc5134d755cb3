"""Keeps the EndpointSlices of Endpoints that belong to a Service without a selector; decided in `plan.py`."""

from __future__ import annotations

from api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from apimachinery.objects import Object, labels_of, name_of, namespace_of
from controller.context import Context
from controller.endpointslice.plan import MANAGED_BY, SERVICE_NAME, SlicePlan
from controller.endpointslice.tracker import SliceTracker
from controller.endpointslice.writes import carry_out
from controller.endpointslicemirroring.plan import MANAGER, is_mirrored, plan_mirror
from controller.loop import Controller

_BY_SERVICE = "mirrored"


def _service_keys(current: Object) -> list[str]:
    """The index: slices of this controller by their Service's (and Endpoints') key."""
    labels = labels_of(current)
    if labels.get(MANAGED_BY) != MANAGER or SERVICE_NAME not in labels:
        return []
    return [f"{namespace_of(current)}/{labels[SERVICE_NAME]}"]


class EndpointSliceMirroringController(Controller):
    """Keys are those of Endpoints, which have their Service's name."""

    name = "endpoint_slice_mirroring"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._services = self.watch(SERVICES)
        self._endpoints = self.watch(ENDPOINTS)
        self._slices = self.watch(ENDPOINT_SLICES)
        self._slices.add_index(_BY_SERVICE, _service_keys)
        self._tracker = SliceTracker()
        self._max: int = context.options.mirroring_max_endpoints_per_subset
        self._services.on_change(self.enqueue_changed)
        self._endpoints.on_change(self.enqueue_changed)
        self._slices.on_change(self._slice_changed)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for current in (old, new):
            for key in _service_keys(current) if current else ():
                if new is None and current is not None:
                    self._tracker.gone(key, name_of(current))
                self.queue.add(key)

    async def sync(self, key: str) -> None:
        """Make the slices agree with the Endpoints; none where they are not to be mirrored."""
        endpoints, existing = self._endpoints.store.get(key), self._slices.store.by_index(_BY_SERVICE, key)
        if self._tracker.behind(key, existing):
            return  # what the informer lacks will bring this key again
        if endpoints is not None and is_mirrored(endpoints, self._services.store.get(key)):
            plan = plan_mirror(endpoints, existing, max_per_subset=self._max)
        else:
            plan = SlicePlan(delete=list(existing))
            self._tracker.forget(key)
        await carry_out(self.client, self._tracker, key, plan)
