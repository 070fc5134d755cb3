"""An in-memory `Loopback` for rules that read and write objects, and short ways to write objects."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from apimachinery import errors
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of, namespace_of, uid_of
from apiserver.interfaces import Attributes, UserInfo


class MemoryLoopback:
    """Objects in a dict, with resourceVersions and conflicts as the real one has them."""

    def __init__(self, objects: Iterable[tuple[Resource, Object]] = ()) -> None:
        self._objects: dict[tuple[Resource, str, str], Object] = {}
        self._revision = 0
        for resource, obj in objects:
            self.put(resource, obj)

    def put(self, resource: Resource, obj: Object) -> Object:
        """Write without asking anything."""
        self._revision += 1
        made = copy.deepcopy(obj)
        made.setdefault("metadata", {})["resourceVersion"] = str(self._revision)
        self._objects[resource, namespace_of(made), name_of(made)] = made
        return made

    def version(self, resource: Resource) -> int:
        return self._revision

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects.get((resource, namespace, name))

    def list(self, resource: Resource, namespace: str = "") -> Sequence[Object]:
        return [obj for (kind, home, _), obj in self._objects.items() if kind == resource and namespace in ("", home)]

    async def get_live(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.get(resource, namespace, name)

    async def create(self, resource: Resource, obj: Object) -> Object:
        if self.get(resource, namespace_of(obj), name_of(obj)) is not None:
            raise errors.already_exists(resource.group, resource.plural, name_of(obj))
        return self.put(resource, obj)

    async def update(self, resource: Resource, obj: Object, subresource: str = "") -> Object:
        current = self.get(resource, namespace_of(obj), name_of(obj))
        if current is None:
            raise errors.not_found(resource.group, resource.plural, name_of(obj))
        if obj["metadata"].get("resourceVersion") not in (None, current["metadata"]["resourceVersion"]):
            raise errors.modified(resource.group, resource.plural, name_of(obj))
        return self.put(resource, obj)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "") -> None:
        current = self._objects.get((resource, namespace, name))
        if current is None or (uid and uid_of(current) != uid):
            raise errors.not_found(resource.group, resource.plural, name)
        self._revision += 1
        del self._objects[resource, namespace, name]


class OneVersion:
    """`Versions` where every resource has one, which nothing converts."""

    def of(self, attributes: Attributes) -> Sequence[Resource]:
        return ()

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        return None

    def serves(self, resource: Resource) -> bool:
        return True

    async def shown(self, attributes: Attributes, obj: Object, target: Resource) -> Object:
        return copy.deepcopy(obj)

    async def taken(self, attributes: Attributes, obj: Object, source: Resource) -> Object:
        return obj


def attributes(
    verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = "",
    user: str = "somebody", groups: Sequence[str] = (), dry_run: bool = False,
) -> Attributes:  # fmt: skip
    """A request."""
    return Attributes(
        user=UserInfo(user, groups=tuple(groups)), verb=verb, path="", group=group, version="v1", resource=resource,
        namespace=namespace, name=name, subresource=subresource, dry_run=dry_run,
    )  # fmt: skip


def made(kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    """An object with these fields beside its metadata."""
    metadata: Object = {"name": name, "uid": f"uid-{name}"}
    if namespace:
        metadata["namespace"] = namespace
    return {"kind": kind, "metadata": {**metadata, **fields.pop("metadata", {})}, **fields}


def pod(name: str = "web", namespace: str = "default", *, metadata: Object | None = None, **spec: Any) -> Object:
    """A pod of one container "c", unless `containers` says otherwise."""
    full = {"containers": [{"name": "c", "image": "i"}], **spec}
    return made("Pod", name, namespace, spec=full, metadata=metadata or {})
