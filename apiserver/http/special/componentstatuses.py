"""componentstatuses: the old way of asking after etcd, the scheduler and the controller manager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from api.kind import Kind
from apimachinery import errors
from apimachinery.objects import Object
from apiserver.http import metrics, reply, views
from apiserver.http.call import Call
from apiserver.http.negotiate import LIST_VIEWS, OBJECT_VIEWS, TABLE
from apiserver.http.reply import Reply
from apiserver.http.request_info import first
from component import tlscontext

_SECONDS = 5.0
_PORTS = {"scheduler": 10259, "controller-manager": 10257}
_DEPRECATED = "v1 ComponentStatus is deprecated in v1.19+"


def _warn(call: Call) -> None:
    call.warnings.append(_DEPRECATED)
    metrics.deprecated("", "v1", "componentstatuses", "", "")


class ComponentStatuses:
    """Asks the components when it is asked."""

    def __init__(self, kind: Kind, etcd: Callable[[], Awaitable[object]]) -> None:
        self._kind = kind
        self._etcd = etcd

    async def list(self, call: Call) -> Reply:
        """Every component."""
        names = [*_PORTS, "etcd-0"]
        objects = await asyncio.gather(*(self._status(name) for name in names))
        _warn(call)
        representation = call.representation(LIST_VIEWS)
        metadata: Object = {}
        if representation.view == TABLE:
            include = first(call.query, "includeObject")
            table = views.table(self._kind, objects, metadata, include, representation.view_version)
            return reply.document(table, representation)
        items = [{key: value for key, value in obj.items() if key not in ("apiVersion", "kind")} for obj in objects]
        body = {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": metadata, "items": items}
        return reply.document(body, representation)

    async def get(self, call: Call) -> Reply:
        """One component; raises NotFound."""
        name = call.info.name
        if name != "etcd-0" and name not in _PORTS:
            raise errors.not_found("", "componentstatuses", name)
        obj = await self._status(name)
        _warn(call)
        representation = call.representation(OBJECT_VIEWS)
        if representation.view == TABLE:
            include = first(call.query, "includeObject")
            obj = views.table(self._kind, [obj], {}, include, representation.view_version)
        return reply.document(obj, representation)

    async def _status(self, name: str) -> Object:
        try:
            async with asyncio.timeout(_SECONDS):
                message = await self._ask(name)
            healthy, condition = "True", {"message": message}
        except (TimeoutError, OSError, aiohttp.ClientError, errors.ApiError) as error:
            healthy, condition = "False", {"message": str(error) or "no answer", "error": str(error)}
        return {
            "apiVersion": "v1",
            "kind": "ComponentStatus",
            "metadata": {"name": name, "creationTimestamp": None},
            "conditions": [{"type": "Healthy", "status": healthy, **condition}],
        }

    async def _ask(self, name: str) -> str:
        if name == "etcd-0":
            await self._etcd()
            return "ok"
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://127.0.0.1:{_PORTS[name]}/healthz", ssl=tlscontext.unverified()) as answer,
        ):
            return (await answer.text())[:200]
