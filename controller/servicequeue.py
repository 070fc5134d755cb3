"""From a changed pod to the Services whose endpoints it belongs to: shared by the two endpoints controllers."""

from __future__ import annotations

from apimachinery.objects import Object, key_of, namespace_of
from client.informer import Informer
from client.workqueue import WorkQueue
from controller.servicepods import endpoint_state, selects


class ServiceQueue:
    """Handlers that put the keys of concerned Services into a controller's queue."""

    def __init__(self, services: Informer, queue: WorkQueue) -> None:
        self._services = services
        self._queue = queue

    def service_changed(self, old: Object | None, new: Object | None) -> None:
        """Handler for Services."""
        service = new if new is not None else old
        if service is not None:
            self._queue.add(key_of(service))

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """Handler for Pods: the Services that selected the pod before or do now."""
        if old is not None and new is not None and endpoint_state(old) == endpoint_state(new):
            return
        some = new if new is not None else old
        if some is None:
            return
        states = [pod for pod in (old, new) if pod is not None]
        for service in self._services.store.list(namespace_of(some)):
            if any(selects(service, pod) for pod in states):
                self._queue.add(key_of(service))
