"""Keeps the EndpointSlices of Endpoints that belong to a Service without a selector; decided in `plan.py`."""

from __future__ import annotations

from api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from controller.context import Context
from controller.endpointslice.managed import ManagedSlices
from controller.endpointslice.plan import SlicePlan
from controller.endpointslice.writes import carry_out
from controller.endpointslicemirroring.plan import MANAGER, is_mirrored, plan_mirror
from controller.loop import Controller


class EndpointSliceMirroringController(Controller):
    """Keys are those of Endpoints, which have their Service's name."""

    name = "endpoint_slice_mirroring"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._services = self.watch(SERVICES)
        self._endpoints = self.watch(ENDPOINTS)
        self._slices = ManagedSlices(self.watch(ENDPOINT_SLICES), MANAGER, self.queue.add)
        self._max: int = context.options.mirroring_max_endpoints_per_subset
        self._services.on_change(self.enqueue_changed)
        self._endpoints.on_change(self.enqueue_changed)

    async def sync(self, key: str) -> None:
        """Make the slices agree with the Endpoints; none where they are not to be mirrored."""
        endpoints, existing = self._endpoints.store.get(key), self._slices.of(key)
        if self._slices.tracker.behind(key, existing):
            return  # what the informer lacks will bring this key again
        if endpoints is not None and is_mirrored(endpoints, self._services.store.get(key)):
            plan = plan_mirror(endpoints, existing, max_per_subset=self._max)
        else:
            plan = SlicePlan(delete=list(existing))
            self._slices.tracker.forget(key)
        await carry_out(self.client, self._slices.tracker, key, plan)
