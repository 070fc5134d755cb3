"""Finds what spec.scaleTargetRef and metrics name: any kind that the API server has, custom ones among them."""

from __future__ import annotations

import asyncio

from apimachinery.errors import NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from controller.discovery import document

_KNOWN_SECONDS = 30.0


class Targets:
    """Kinds as resources; what was found is believed for half a minute, as kinds come and go with their definitions."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], tuple[float, Resource]] = {}

    async def resource(self, reference: Object) -> Resource:
        """The resource of a CrossVersionObjectReference in its group's preferred version that has it. Raises NotFound,
        other ApiErrors."""
        group = (reference.get("apiVersion") or "").rpartition("/")[0]
        key, now = (group, reference["kind"]), asyncio.get_running_loop().time()
        until, found = self._known.get(key, (0.0, None))
        if found is None or now > until:
            found = await self._find(group, reference["kind"])
            self._known[key] = now + _KNOWN_SECONDS, found
        return found

    async def _find(self, group: str, kind: str) -> Resource:
        for version in await self._versions(group):
            served = await document(self._client, f"/apis/{group}/{version}" if group else f"/api/{version}")
            for entry in served["resources"]:
                if entry["kind"] == kind and "/" not in entry["name"]:
                    return Resource(group, version, entry["name"], kind, namespaced=entry["namespaced"])
        raise _no_match(group, kind)

    async def _versions(self, group: str) -> list[str]:
        if not group:
            return ["v1"]
        try:
            served = await document(self._client, f"/apis/{group}")
        except NotFound:
            return []
        preferred = served["preferredVersion"]["version"]
        others = [item["version"] for item in served["versions"] if item["version"] != preferred]
        return [preferred, *others]

    async def scale(self, resource: Resource, namespace: str, name: str) -> Object:
        """The Scale of an object. Raises ApiError."""
        return await self._client.get(resource, namespace, name, subresource="scale")

    async def set_scale(self, resource: Resource, scale: Object, replicas: int) -> None:
        """Write the number, unless the object has changed since. Raises ApiError."""
        await self._client.update(
            resource, {**scale, "spec": {**(scale.get("spec") or {}), "replicas": replicas}}, subresource="scale"
        )


def _no_match(group: str, kind: str) -> NotFound:
    return NotFound(f'no matches for kind "{kind}" in group "{group}"')
