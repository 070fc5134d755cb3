"""The operations on every kind, in the neutral form that both OpenAPI versions are written from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api.kind import Kind
from apiserver.openapi.definitions import gvk

_STRATEGIC = "application/strategic-merge-patch+json"  # needs Go types: custom resources have none
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    _STRATEGIC,
    "application/apply-patch+yaml",
)
_ACTIONS = {"get": "get", "put": "update", "patch": "patch", "delete": "delete", "post": "create"}
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_PARAMETERS = {
    "list": (
        "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
        "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
    ),
    "create": _WRITE,
    "update": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"),
    "deletecollection": (
        "continue", "dryRun", "fieldSelector", "gracePeriodSeconds", "labelSelector", "limit", "orphanDependents",
        "propagationPolicy", "resourceVersion", "resourceVersionMatch", "timeoutSeconds",
    ),
}  # fmt: skip
_BOOLEANS = frozenset({"allowWatchBookmarks", "force", "orphanDependents", "sendInitialEvents", "watch"})
_INTEGERS = frozenset({"gracePeriodSeconds", "limit", "timeoutSeconds"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    path: str
    method: str  #: lower case
    action: str  #: x-kubernetes-action
    kind: dict[str, str]
    body: str = ""  #: OpenAPI name of the body's type
    answer: str = ""  #: OpenAPI name of the answer's type
    consumes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    path_parameters: tuple[str, ...] = ()

    @property
    def operation_id(self) -> str:
        """Unique among all operations."""
        words = self.path.replace("{", "").replace("}", "").replace(".", "").split("/")
        return self.action + "".join(word[:1].upper() + word[1:] for word in words)


def parameter_type(name: str) -> str:
    """The OpenAPI type of a query parameter."""
    if name in _BOOLEANS:
        return "boolean"
    return "integer" if name in _INTEGERS else "string"


def operations(kinds: Iterable[Kind], names: dict[str, str]) -> Iterator[Operation]:
    """All operations on the kinds; `names` gives the OpenAPI name of "group/version/Kind"."""
    for kind in kinds:
        resource = kind.resource
        key = f"{resource.group}/{resource.version}/"
        item, listed = names.get(key + resource.kind, ""), names.get(f"{key}{resource.kind}List", "")
        shown = gvk(resource.group, resource.version, resource.kind)
        collection = resource.path("{namespace}" if resource.namespaced else "")
        scope = ("namespace",) if resource.namespaced else ()
        patches = tuple(each for each in _PATCHES if each != _STRATEGIC) if kind.custom else _PATCHES
        yield from _on_collection(kind, collection, scope, shown, item, listed)
        yield from _on_item(kind.verbs, f"{collection}/{{name}}", (*scope, "name"), shown, item, patches)
        if resource.namespaced and "list" in kind.verbs:
            yield Operation(resource.path(), "get", "list", shown, "", listed, (), _PARAMETERS["list"])
        for sub in kind.subresources:
            inner = gvk(sub.group or resource.group, sub.version or resource.version, sub.kind)
            name = names.get(f"{inner['group']}/{inner['version']}/{inner['kind']}", "")
            path = f"{collection}/{{name}}/{sub.name}"
            yield from _on_item(sub.verbs, path, (*scope, "name"), inner, name, patches)
            if "create" in sub.verbs:
                yield Operation(path, "post", "post", inner, name, name, ("*/*",), _WRITE, (*scope, "name"))


def _on_collection(
    kind: Kind, path: str, scope: tuple[str, ...], shown: dict[str, str], item: str, listed: str
) -> Iterator[Operation]:
    if "list" in kind.verbs:
        yield Operation(path, "get", "list", shown, "", listed, (), _PARAMETERS["list"], scope)
    if "create" in kind.verbs:
        yield Operation(path, "post", "post", shown, item, item, ("*/*",), _PARAMETERS["create"], scope)
    if "deletecollection" in kind.verbs:
        parameters = _PARAMETERS["deletecollection"]
        yield Operation(path, "delete", "deletecollection", shown, "", "", ("*/*",), parameters, scope)


def _on_item(
    verbs: Iterable[str],
    path: str,
    scope: tuple[str, ...],
    shown: dict[str, str],
    item: str,
    patches: tuple[str, ...],
) -> Iterator[Operation]:
    for method in ("get", "put", "patch", "delete"):
        action = _ACTIONS[method]
        if action not in verbs:
            continue
        body = item if method == "put" else ""
        consumes = patches if method == "patch" else ("*/*",) if method != "get" else ()
        shown_action = "put" if method == "put" else action
        parameters = _PARAMETERS.get(action, ())
        yield Operation(path, method, shown_action, shown, body, item, consumes, parameters, scope)
