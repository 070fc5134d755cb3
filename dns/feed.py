"""What the API says, into the zone: the shell around `dns.zone`.

Handlers only note which service changed; one step of the event loop later the zone is brought up to date, so that a
list of thousands of slices costs each service one look."""

from __future__ import annotations

import asyncio
import time

from apimachinery.objects import Object, key_of, name_of, namespace_of
from client.informer import Informer
from dns import metrics
from dns.zone.model import service_key, service_records
from dns.zone.zone import Zone

_SERVICE_INDEX = "service"


class ZoneFeed:
    """Follows Services, EndpointSlices, Namespaces and, where they matter, Pods."""

    def __init__(
        self, zone: Zone, *, services: Informer, endpoint_slices: Informer, namespaces: Informer,
        pods: Informer | None = None,
    ) -> None:  # fmt: skip
        self._zone = zone
        self._services, self._slices = services, endpoint_slices
        self._informers = [services, endpoint_slices, namespaces, *([pods] if pods is not None else [])]
        self._dirty: set[str] = set()
        self._scheduled = False
        self._complete = False
        endpoint_slices.add_index(_SERVICE_INDEX, lambda found: [service_key(found)])
        services.on_change(self._service_changed)
        endpoint_slices.on_change(self._slice_changed)
        namespaces.on_change(self._namespace_changed)
        if pods is not None:
            pods.on_change(self._pod_changed)

    @property
    def synced(self) -> bool:
        """Whether everything was listed and taken in once. It stays so: a change that is still to be taken in must not
        make all names a failure for the questions that come in the same step of the event loop."""
        if not self._complete and not self._dirty:
            self._complete = all(informer.synced for informer in self._informers)
        return self._complete

    async def wait_synced(self) -> None:
        """Return once the zone is complete for the first time."""
        for informer in self._informers:
            await informer.wait_synced()
        self._catch_up()

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        found = new or old
        if found is not None:
            self._mark(key_of(found))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for found in (old, new):
            if found is not None and (key := service_key(found)):
                self._mark(key)

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        found = new or old
        if found is not None:
            self._zone.put_namespace(name_of(found), present=new is not None, now=_now())

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        found = new or old
        if found is None:
            return
        addresses: list[str] = []
        if new is not None and (new.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            addresses = [entry["ip"] for entry in new["status"].get("podIPs") or () if entry.get("ip")]
        self._zone.put_pod(namespace_of(found), name_of(found), addresses, now=_now())

    def _mark(self, key: str) -> None:
        self._dirty.add(key)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._catch_up)

    def _catch_up(self) -> None:
        self._scheduled = False
        dirty, self._dirty = self._dirty, set()
        for key in dirty:
            service = self._services.store.get(key)
            slices = self._slices.store.by_index(_SERVICE_INDEX, key) if service is not None else ()
            records = service_records(service, slices) if service is not None else None
            self._zone.put_service(key, records, now=_now())
        metrics.ZONE_CHANGES.set(self._zone.version)


def _now() -> int:
    return int(time.time())
