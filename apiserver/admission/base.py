"""What every admission plugin starts from, and the chain that asks them in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery import errors
from apimachinery.errors import Forbidden
from apimachinery.objects import Object, annotations_of, name_of
from apiserver.interfaces import Attributes, Authorizer, Loopback, Versions
from apiserver.webhooks.caller import Caller

#: Fields of a pod spec that hold containers.
CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What plugins are made with."""

    api: Loopback
    authorizer: Authorizer
    webhooks: Caller
    versions: Versions
    not_ready_toleration_seconds: int = 300
    unreachable_toleration_seconds: int = 300
    configuration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  #: by plugin

    def configured(self, plugin: str) -> Mapping[str, Any]:
        """What --admission-control-config-file says of a plugin; empty where it says nothing."""
        return self.configuration.get(plugin) or {}


class Plugin:
    """Concerns itself with nothing and changes nothing; plugins override what they need."""

    name = ""
    #: (group, resource) -> subresources that the plugin looks at; "" for the object itself. None: everything.
    resources: Mapping[tuple[str, str], frozenset[str]] | None = None
    verbs: frozenset[str] = frozenset({"create", "update"})

    def handles(self, attributes: Attributes) -> bool:
        """Whether verb and resource are the plugin's business (a patch is an update, deletecollection a delete)."""
        verb = operation(attributes)
        if verb not in self.verbs:
            return False
        if self.resources is None:
            return True
        subresources = self.resources.get((attributes.group, attributes.resource))
        return subresources is not None and attributes.subresource in subresources

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Change nothing."""

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Refuse nothing."""
        return []


_OPERATIONS = {"patch": "update", "deletecollection": "delete", "apply": "update"}


def operation(attributes: Attributes) -> str:
    """ "create", "update", "delete" or "connect"."""
    return _OPERATIONS.get(attributes.verb, attributes.verb)


def only(group: str, resource: str, *subresources: str) -> dict[tuple[str, str], frozenset[str]]:
    """`Plugin.resources` of one resource: the object itself, unless subresources are named."""
    return {(group, resource): frozenset(subresources or ("",))}


def refuse(attributes: Attributes, why: str, obj: Object | None = None) -> Forbidden:
    """admission.NewForbidden: `pods "x" is forbidden: WHY`."""
    name = attributes.name
    if not name and obj is not None:
        name = name_of(obj)
        if not name and (obj.get("metadata") or {}).get("generateName"):
            name = obj["metadata"]["generateName"]
    if not name:
        name = "Unknown"
        error = errors.forbidden(attributes.group, attributes.resource, name, why)
        error.details = {**(error.details or {}), "name": name}
        return error
    return errors.forbidden(attributes.group, attributes.resource, name, why)


def containers(spec: Object) -> Iterable[Object]:
    """All containers of a pod spec."""
    for name in CONTAINER_FIELDS:
        yield from spec.get(name) or ()


def newest_default(classes: Iterable[Object], annotations: Iterable[str]) -> Object | None:
    """Of the classes that are marked as the default the newest; of equally old ones the first by name."""
    keys = tuple(annotations)
    marked = [item for item in classes if any(annotations_of(item).get(key) == "true" for key in keys)]
    marked.sort(key=name_of)
    return max(marked, key=lambda item: str(item["metadata"].get("creationTimestamp") or ""), default=None)
