"""Follows the APIServices: who answers for which group version, and in which order clients are shown them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from api.kind import Kind
from api.resources import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, ENDPOINTS, SERVICES
from apimachinery.objects import Object
from apiserver.aggregation import plan
from apiserver.aggregation.availability import Availability
from apiserver.aggregation.discovery import RemoteDiscovery
from apiserver.aggregation.handler import ProxyHandler
from apiserver.aggregation.openapi import RemoteSpecs
from apiserver.aggregation.plan import GroupVersion, Remote
from apiserver.aggregation.registration import register
from apiserver.aggregation.transport import Transport
from apiserver.discovery.documents import group_versions
from apiserver.http.call import Call
from apiserver.http.request_info import RequestInfo
from apiserver.http.special.tunnel import is_upgrade
from apiserver.interfaces import Loopback

#: How often the objects are looked at; a look at unchanged ones is a comparison of a few numbers.
_LOOK_SECONDS = 0.1
_CHECK_SECONDS = 30.0
_FIRST_RETRY_SECONDS = 0.5


class Aggregator:
    """The aggregation layer of one API server."""

    def __init__(self, loopback: Loopback, transport: Transport, *, redirects: bool = False) -> None:
        """`redirects`: whether those of other servers are passed on to clients."""
        self._loopback = loopback
        self._transport = transport
        self._availability = Availability(loopback, transport)
        self._proxy = ProxyHandler(transport, redirects=redirects)
        self._discovery = RemoteDiscovery(transport)
        self.specs = RemoteSpecs(transport)
        self._remotes: Mapping[GroupVersion, Remote] = {}
        self._seen = -1
        self._ordered: tuple[Sequence[Kind], int, dict[str, list[str]]] = ((), -1, {})
        self.handle = self._proxy.handle

    # Asked by requests

    def find(self, info: RequestInfo) -> Remote | None:
        """The other server that answers this request, if one does."""
        if not self._remotes:
            return None
        if info.is_resource:
            return self._remotes.get((info.group, info.version))
        parts = info.path.strip("/").split("/")
        if parts[0] == "apis" and len(parts) == 3:
            return self._remotes.get((parts[1], parts[2]))
        return self._remotes.get(("", parts[1])) if parts[0] == "api" and len(parts) == 2 else None

    def streams(self, call: Call) -> bool:
        """Whether this is a connection upgraded for another server: no time limit holds for it."""
        return bool(self._remotes) and is_upgrade(call.request) and self.find(call.info) is not None

    def groups(self, kinds: Sequence[Kind]) -> dict[str, list[str]]:
        """All groups and their versions, local and remote, in the order of their priorities."""
        version = self._loopback.version(API_SERVICES)
        if self._ordered[:2] != (kinds, version):
            ordered = plan.in_order(group_versions(kinds), self._loopback.list(API_SERVICES))
            self._ordered = (kinds, version, ordered)
        return self._ordered[2]

    @property
    def versions(self) -> Mapping[GroupVersion, Object]:
        """The remote versions in the aggregated form of discovery."""
        return self._discovery.versions

    # Following

    async def start(self) -> None:
        """Bring everything in line once, before the server is ready."""
        await register(self._loopback)
        self._refresh()

    def _refresh(self) -> bool:
        version = self._loopback.version(API_SERVICES)
        if version == self._seen:
            return False
        self._seen = version
        self._remotes = plan.remotes(self._loopback.list(API_SERVICES))
        return True

    async def follow(self) -> None:
        """Take over changes of the APIServices, and make those of custom resources, for ever."""
        seen: tuple[int, int] | None = None
        while True:
            self._refresh()
            versions = (self._seen, self._loopback.version(CUSTOM_RESOURCE_DEFINITIONS))
            if versions != seen and await register(self._loopback):
                seen = versions
            await asyncio.sleep(_LOOK_SECONDS)

    async def check(self) -> None:
        """Ask the other servers whether they are there and what they serve, for ever."""
        loop = asyncio.get_running_loop()
        retry = _FIRST_RETRY_SECONDS
        while True:
            seen = self._versions()
            all_well = await self._availability.check()
            self._refresh()
            await self._discovery.refresh(self._remotes)
            await self.specs.refresh(self._remotes)
            await asyncio.to_thread(self._transport.reload)
            until = loop.time() + (_CHECK_SECONDS if all_well else retry)
            retry = _FIRST_RETRY_SECONDS if all_well else min(retry * 2, _CHECK_SECONDS)
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if self._versions() != seen:
                    retry = _FIRST_RETRY_SECONDS
                    break
                if loop.time() >= until:
                    break

    def _versions(self) -> tuple[object, ...]:
        """What a look at the servers depends on: the APIServices, their Services and endpoints."""
        found: list[object] = [self._loopback.version(API_SERVICES)]
        for remote in self._remotes.values():
            for resource in (SERVICES, ENDPOINTS):
                obj = self._loopback.get(resource, remote.namespace, remote.service)
                found.append(obj["metadata"].get("resourceVersion") if obj else None)
        return tuple(found)

    async def close(self) -> None:
        """Give the connections back."""
        await self._transport.close()
