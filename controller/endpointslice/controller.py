"""Keeps the EndpointSlices of every Service with a selector. What they should hold is decided in `plan.py`."""

from __future__ import annotations

from api.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from apimachinery.objects import Object, name_of, split_key
from controller.context import Context
from controller.endpointslice.hints import counts_for_zones, wants_hints
from controller.endpointslice.managed import ManagedSlices
from controller.endpointslice.plan import MANAGER, SlicePlan, plan_slices
from controller.endpointslice.writes import carry_out
from controller.loop import Controller
from controller.servicepods import selector_of, selects
from controller.servicequeue import ServiceQueue


class EndpointSliceController(Controller):
    """Keys are those of Services."""

    name = "endpoint_slice"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._services = self.watch(SERVICES)
        self._pods = self.watch(PODS)
        self._nodes = self.watch(NODES)
        self._slices = ManagedSlices(self.watch(ENDPOINT_SLICES), MANAGER, self.queue.add)
        self._told: dict[str, dict[str, str]] = {}  #: Service: what was last told of its hints
        self._events = context.recorder("endpoint-slice-controller")
        self._max_endpoints: int = getattr(context.options, "max_endpoints_per_slice", 100)
        services = ServiceQueue(self._services, self.queue)
        self._services.on_change(services.service_changed)
        self._pods.on_change(services.pod_changed)
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """Hints depend on all nodes."""
        if old is not None and new is not None and counts_for_zones(old) == counts_for_zones(new):
            return
        for service in self._services.store.list():
            if wants_hints(service):
                self.enqueue(service)

    async def sync(self, key: str) -> None:
        """Make the slices of one Service hold its pods."""
        namespace, _ = split_key(key)
        service = self._services.store.get(key)
        if service is None:
            # The slices are owned by the Service: garbage collection takes them.
            self._slices.tracker.forget(key)
            self._told.pop(key, None)
            return
        if not selector_of(service):
            return
        existing = self._slices.of(key)
        if self._slices.tracker.behind(key, existing):
            return  # what the informer lacks will bring this key again
        pods = [pod for pod in self._pods.store.list(namespace) if selects(service, pod)]
        nodes = {name_of(node): node for node in self._nodes.store.list()}
        plan = plan_slices(service, pods, nodes, existing, max_endpoints=self._max_endpoints)
        await carry_out(self.client, self._slices.tracker, key, plan)
        self._tell_of_hints(key, service, plan)

    def _tell_of_hints(self, key: str, service: Object, plan: SlicePlan) -> None:
        told = self._told.pop(key, {})
        if plan.hints:
            self._told[key] = plan.hints
        for address_type, problem in sorted(plan.hints.items()):
            if told.get(address_type) == problem:
                continue
            if problem:
                text = f"{problem}, addressType: {address_type}"
                self._events.event(service, "Warning", "TopologyAwareHintsDisabled", text)
            else:
                text = f"Topology Aware Hints has been enabled, addressType: {address_type}"
                self._events.event(service, "Normal", "TopologyAwareHintsEnabled", text)
