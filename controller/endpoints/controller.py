"""Keeps one Endpoints object per Service with a selector. What it should say is decided in `plan.py`."""

from __future__ import annotations

from api.resources import ENDPOINTS, PODS, SERVICES
from apimachinery.errors import AlreadyExists, Forbidden, NotFound
from apimachinery.objects import Object, annotations_of, split_key
from controller.context import Context
from controller.endpoints.plan import plan_endpoints
from controller.loop import Controller
from controller.servicepods import selector_of, selects
from controller.servicequeue import ServiceQueue

_LEADER = "control-plane.alpha.kubernetes.io/leader"


class EndpointsController(Controller):
    """Keys are those of Services."""

    name = "endpoint"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._services = self.watch(SERVICES)
        self._pods = self.watch(PODS)
        self._endpoints = self.watch(ENDPOINTS)
        self._events = context.recorder("endpoint-controller")
        services = ServiceQueue(self._services, self.queue)
        self._services.on_change(services.service_changed)
        self._pods.on_change(services.pod_changed)
        self._endpoints.on_change(self._endpoints_changed)

    def _endpoints_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self.enqueue(old)  # deleted by someone: made again where the Service is still there

    async def run(self) -> None:
        """Work until cancelled; first of all what Services deleted meanwhile have left behind is looked for."""
        await self._endpoints.wait_synced()
        for current in self._endpoints.store.list():
            self.enqueue(current)
        await super().run()

    async def sync(self, key: str) -> None:
        """Write the Endpoints of one Service, or delete them with it."""
        namespace, name = split_key(key)
        service = self._services.store.get(key)
        current = self._endpoints.store.get(key)
        if service is None:
            await self._delete_orphan(key)
            return
        if not selector_of(service):
            return
        pods = [pod for pod in self._pods.store.list(namespace) if selects(service, pod)]
        wanted = plan_endpoints(service, pods, current)
        if wanted is None:
            return
        try:
            if current is None:
                await self.client.create(ENDPOINTS, wanted)
            else:
                await self.client.update(ENDPOINTS, wanted)
        except AlreadyExists:
            return  # the informer will bring it, and with it this key
        except Forbidden as error:
            if current is None and "because it is being terminated" in error.message:
                return
            verb = "create" if current is None else "update"
            text = f"Failed to {verb} endpoint {namespace}/{name}: {error.message}"
            self._events.event(service, "Warning", f"FailedTo{verb.title()}Endpoint", text)
            raise

    async def _delete_orphan(self, key: str) -> None:
        """Endpoints whose Service is gone; a leader election's record (of old clients) only looks like that."""
        namespace, name = split_key(key)
        current = self._endpoints.store.get(key)
        if current is None or _LEADER in annotations_of(current):
            return
        try:
            await self.client.delete(ENDPOINTS, namespace, name, uid=current["metadata"]["uid"])
        except NotFound:
            return
