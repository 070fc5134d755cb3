"""What aggregated servers serve, as the aggregated form of discovery (apidiscovery.k8s.io/v2beta1) shows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp
import orjson

from apimachinery.objects import Object
from apiserver.aggregation.plan import GroupVersion, Remote, Unroutable
from apiserver.aggregation.transport import Transport, discovery_headers
from apiserver.discovery.documents import AGGREGATED_MEDIA_TYPE
from apiserver.webhooks.answers import read_at_most

logger = logging.getLogger(__name__)

_ASK_SECONDS = 5.0
_MAX_BYTES = 10 << 20
_ACCEPT = f"{AGGREGATED_MEDIA_TYPE},application/json"


class RemoteDiscovery:
    """The versions of remote groups; each stays as it was last seen while its server does not answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.versions: Mapping[GroupVersion, Object] = {}

    async def refresh(self, remotes: Mapping[GroupVersion, Remote]) -> None:
        """Ask all of them."""
        answers = await asyncio.gather(*(self._ask(remote) for remote in remotes.values()))
        former = self.versions
        self.versions = {
            key: answer or stale(former.get(key), key[1]) for key, answer in zip(remotes, answers, strict=True)
        }

    async def _ask(self, remote: Remote) -> Object | None:
        if not remote.available:
            return None
        try:
            listed = await self._get(remote, "/apis" if remote.group else "/api")
            found = in_list(listed or {}, remote.group, remote.version)
            if found is None:
                resources = await self._get(remote, remote.path)
                found = from_resources(resources, remote.group, remote.version) if resources else None
        except (aiohttp.ClientError, OSError, Unroutable, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("No discovery of an aggregated API", extra={"apiservice": remote.api_service,
                                                                       "error": str(error) or repr(error)})  # fmt: skip
            return None
        return found

    async def _get(self, remote: Remote, path: str) -> Object | None:
        """The document; None where the server has none, as one that knows only the old form. Raises ValueError."""
        async with self._transport.session.get(
            self._transport.url(remote, path),
            headers=discovery_headers(_ACCEPT),
            ssl=self._transport.context(remote),
            server_hostname=None if remote.insecure else remote.host,
            timeout=aiohttp.ClientTimeout(total=_ASK_SECONDS),
            allow_redirects=False,
        ) as answer:
            if answer.status != 200:
                return None
            body = await read_at_most(answer, _MAX_BYTES)
        found = orjson.loads(body)
        if not isinstance(found, dict):
            raise ValueError(f"{path} is not an object")
        return found


def stale(former: Object | None, version: str) -> Object:
    """What is shown of a version whose server does not answer. Pure."""
    return {**(former or {"version": version}), "freshness": "Stale"}


def in_list(listed: Object, group: str, version: str) -> Object | None:
    """The version in an APIGroupDiscoveryList; None where this is none, or does not have it. Pure."""
    if listed.get("kind") != "APIGroupDiscoveryList":
        return None
    for item in listed.get("items") or ():
        if (item.get("metadata") or {}).get("name", "") != group:
            continue
        for each in item.get("versions") or ():
            if each.get("version") == version:
                return {**each, "freshness": "Current"}
    return None


def from_resources(resources: Object, group: str, version: str) -> Object:
    """The version by its APIResourceList; subresources of what is not listed have no place. Pure."""
    found: dict[str, dict[str, Any]] = {}
    subresources = []
    for resource in resources.get("resources") or ():
        name, _, sub = resource["name"].partition("/")
        kind = {
            "group": resource.get("group") or group,
            "version": resource.get("version") or version,
            "kind": resource.get("kind") or "",
        }
        if sub:
            subresources.append(
                (name, {"subresource": sub, "responseKind": kind, "verbs": resource.get("verbs") or []})
            )
            continue
        found[name] = {
            "resource": name,
            "responseKind": kind,
            "scope": "Namespaced" if resource.get("namespaced") else "Cluster",
            "singularResource": resource.get("singularName") or "",
            "verbs": resource.get("verbs") or [],
            **_given(resource, ("shortNames", "categories")),
        }
    for name, entry in subresources:
        if name in found:
            found[name].setdefault("subresources", []).append(entry)
    return {"version": version, "resources": list(found.values()), "freshness": "Current"}


def _given(resource: Object, fields: Iterable[str]) -> dict[str, Any]:
    return {field: resource[field] for field in fields if resource.get(field)}
