"""The scale subresource of custom resources: their definition says by paths where replicas and selector are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.errors import InternalError
from apimachinery.objects import Object
from apiserver.http import reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.resources import ResourceHandlers
from apiserver.http.special.bodies import Bodies
from apiserver.http.special.scale import Scales
from apiserver.http.special.scaleowners import ScaleOwners, owners_of
from apiserver.registry.registry import Registry
from apiserver.registry.served import Served

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class CustomScales:
    """Finds the definition of each call's resource; kinds come and go."""

    def __init__(self, registry: Registry, resources: ResourceHandlers, bodies: Bodies) -> None:
        self._registry = registry
        self._resources = resources
        self._bodies = bodies

    async def get(self, call: Call) -> Reply:
        """GET."""
        return await self._scales(call).get(call)

    async def update(self, call: Call) -> Reply:
        """PUT."""
        return await self._scales(call).update(call)

    async def patch(self, call: Call) -> Reply:
        """PATCH."""
        return await self._scales(call).patch(call)

    def _scales(self, call: Call) -> Scales:
        info = call.info
        served = self._registry.served(info.group, info.version, info.resource)
        if served is None or served.kind.custom is None or served.kind.custom.scale is None:
            raise reply.unknown_resource()
        return Scales(served, self._resources, self._bodies, PathForm(served.kind.custom.scale))


class PathForm:
    """Where the paths specReplicasPath, statusReplicasPath and labelSelectorPath lead to. Pure."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._replicas = _parts(paths["specReplicasPath"])
        self._status = _parts(paths["statusReplicasPath"])
        self._selector = _parts(paths.get("labelSelectorPath") or "")
        self._replicas_path = paths["specReplicasPath"]

    def scale_of(self, obj: Object) -> Object:
        """The Scale; raises InternalError for an object that says no replicas."""
        replicas = _find(obj, self._replicas)
        if not isinstance(replicas, int):
            raise InternalError(f"the spec replicas field {_quoted(self._replicas_path)} does not exist")
        status: Object = {"replicas": _find(obj, self._status) or 0}
        selector = _find(obj, self._selector) if self._selector else None
        if isinstance(selector, str) and selector:
            status["selector"] = selector
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {field: obj["metadata"][field] for field in _METADATA if field in obj["metadata"]},
            "spec": {"replicas": replicas} if replicas else {},
            "status": status,
        }

    def rescaled(self, obj: Object, scale: Object) -> None:
        """Take the replicas, and the preconditions, of a Scale into its object, in place."""
        metadata = scale.get("metadata") or {}
        for field in ("uid", "resourceVersion"):
            if metadata.get(field):
                obj["metadata"][field] = metadata[field]
        parent = obj
        for name in self._replicas[:-1]:
            parent = parent.setdefault(name, {})
        parent[self._replicas[-1]] = (scale.get("spec") or {}).get("replicas") or 0

    def owners(self, served: Served) -> ScaleOwners:
        """By the path of each version; a version without a Scale has none."""
        scales = {version: each.kind.custom.scale for version, each in served.family.items() if each.kind.custom}
        return owners_of(
            served, {version: _parts(scale["specReplicasPath"]) if scale else () for version, scale in scales.items()}
        )


def _parts(path: str) -> list[str]:
    return path[1:].split(".") if path else []


def _find(obj: Any, parts: list[str]) -> Any:
    for name in parts:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _quoted(text: str) -> str:
    return f'"{text}"'
