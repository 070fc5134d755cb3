"""What every admission plugin starts from, and the chain that asks them in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Histogram

from apimachinery import errors
from apimachinery.errors import Forbidden
from apimachinery.objects import Object, annotations_of, name_of
from apiserver.interfaces import AdmissionPlugin, Attributes, Authorizer, Loopback, Versions
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


_STEP_SECONDS = Histogram(
    "apiserver_admission_step_admission_duration_seconds",
    "How long a step of admission took, by step, operation and whether the request was refused.",
    ["type", "operation", "rejected"],
    buckets=(0.005, 0.025, 0.1, 0.5, 1.0, 2.5),
)


class _Timed:
    """Measures one step of admission. (A generator-based context manager would cost more than it measures.)"""

    __slots__ = ("_operation", "_started", "_step")

    def __init__(self, attributes: Attributes, step: str) -> None:
        self._operation = operation(attributes).upper()
        self._step = step
        self._started = time.perf_counter()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        rejected = "true" if error is not None else "false"
        seconds = time.perf_counter() - self._started
        _STEP_SECONDS.labels(self._step, self._operation, rejected).observe(seconds)


class Chain:
    """Plugins in their order."""

    def __init__(self, plugins: Sequence[AdmissionPlugin]) -> None:
        self.plugins = tuple(plugins)
        self._by_request: dict[tuple[str, str, str, str], tuple[AdmissionPlugin, ...]] = {}

    def _concerned(self, attributes: Attributes) -> tuple[AdmissionPlugin, ...]:
        """Which plugins handle a request depends on these four alone, and is asked on every write."""
        key = (attributes.verb, attributes.group, attributes.resource, attributes.subresource)
        found = self._by_request.get(key)
        if found is None:
            found = tuple(plugin for plugin in self.plugins if plugin.handles(attributes))
            if len(self._by_request) > 4096:
                self._by_request.clear()
            self._by_request[key] = found
        return found

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Mutating admission, twice where webhooks have changed the object (the plugins see to it that twice is once);
        raises ApiError."""
        attributes.notes.again = None
        with _Timed(attributes, "admit"):
            for plugin in self._concerned(attributes):
                await plugin.admit(attributes, obj, old)
            again = attributes.notes.again
            if again is not None and again.start():
                for plugin in self._concerned(attributes):
                    await plugin.admit(attributes, obj, old)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Validating admission: the warnings; raises ApiError."""
        warnings: list[str] = []
        with _Timed(attributes, "validate"):
            for plugin in self._concerned(attributes):
                warnings += await plugin.validate(attributes, obj, old)
        return warnings
