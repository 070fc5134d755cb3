"""From a CustomResourceDefinition to the kinds that are served and the form that objects are stored in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.apiextensions.defaulting import apply_defaults, has_defaults
from api.kind import Custom, Deprecation, Kind, Subresource
from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy, is_deleting
from apimachinery.schema import TypeSchema, from_openapi
from apiserver.crd.columns import table_of
from apiserver.crd.strategy import CustomResourceStrategy, CustomStatusStrategy

_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
#: Of a definition that is being deleted: objects may still lose their finalizers.
_LAST_VERBS = tuple(verb for verb in _VERBS if verb != "create")
_ANYTHING: Mapping[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a definition."""

    kind: Kind
    schema: TypeSchema
    settle: Callable[[Object], None]  #: makes an object from elsewhere one of this version, in place: pruned, defaulted


@dataclass(frozen=True, slots=True)
class Definition:
    """What a definition gives: its versions, the served ones and the stored one among them, and the webhook that
    converts between them."""

    versions: tuple[Version, ...]
    stored: Version
    served: tuple[Version, ...]
    webhook: Mapping[str, Any] | None  #: spec.conversion.webhook; None: versions differ by name only


def definition_of(crd: Object) -> Definition:
    """The kinds of a definition whose names are accepted."""
    storage = next(version for version in crd["spec"]["versions"] if version.get("storage"))
    made = {version["name"]: _kind(crd, version, storage["name"]) for version in crd["spec"]["versions"]}
    served = tuple(made[version["name"]] for version in crd["spec"]["versions"] if version.get("served"))
    return Definition(tuple(made.values()), made[storage["name"]], served, _webhook_of(crd))


def _webhook_of(crd: Object) -> Mapping[str, Any] | None:
    conversion = crd["spec"].get("conversion") or {}
    return conversion.get("webhook") or {} if conversion.get("strategy") == "Webhook" else None


def _kind(crd: Object, version: Mapping[str, Any], storage: str) -> Version:
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or _ANYTHING
    typed = from_openapi(schema)
    resource = _resource(crd, version["name"])
    subresources = version.get("subresources") or {}
    has_status = subresources.get("status") is not None
    strategy = CustomResourceStrategy(schema, has_status=has_status, scale=subresources.get("scale"))
    columns, cells = table_of(version)
    settle = _settling(resource, schema, typed)
    changes = _may_differ(crd)
    renames = changes and _webhook_of(crd) is None
    kind = Kind(
        resource=resource,
        singular=names.get("singular") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=_LAST_VERBS if is_deleting(crd) else _VERBS,
        subresources=_subresources(resource.kind, subresources, strategy),
        strategy=strategy,
        columns=columns,
        cells=cells,
        stored_as=_resource(crd, storage) if changes else None,
        to_storage=_renamed(_resource(crd, storage)) if renames else None,
        from_storage=_converted(settle) if renames else None,
        storage_path=f"{spec['group']}/{names['plural']}",
        custom=Custom(
            list_kind=names.get("listKind") or f"{names['kind']}List",
            schema=schema,
            scale=subresources.get("scale"),
            terminating=is_deleting(crd),
        ),
        deprecation=_deprecation(resource, version),
    )
    return Version(kind, typed, settle)


def _resource(crd: Object, version: str) -> Resource:
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    namespaced = spec["scope"] == "Namespaced"
    return Resource(spec["group"], version, names["plural"], names["kind"], namespaced=namespaced)


def _subresources(kind: str, declared: Mapping[str, Any], strategy: CustomResourceStrategy) -> tuple[Subresource, ...]:
    made = []
    if declared.get("status") is not None:
        made.append(Subresource(name="status", kind=kind, strategy=CustomStatusStrategy(strategy)))
    if declared.get("scale") is not None:
        made.append(Subresource(name="scale", kind="Scale", group="autoscaling", version="v1"))
    return tuple(made)


def _deprecation(resource: Resource, version: Mapping[str, Any]) -> Deprecation | None:
    if not version.get("deprecated"):
        return None
    return Deprecation(version.get("deprecationWarning") or f"{resource.api_version} {resource.kind} is deprecated")


def _may_differ(crd: Object) -> bool:
    """Whether a stored object may be other than what this version's schema makes of it: written by another one."""
    stored = (crd.get("status") or {}).get("storedVersions") or ()
    return len(crd["spec"]["versions"]) > 1 or len(stored) > 1 or (crd["metadata"].get("generation") or 1) > 1


def _renamed(storage: Resource) -> Callable[[Object], Object]:
    return lambda obj: {**obj, "apiVersion": storage.api_version}


def _settling(resource: Resource, schema: Mapping[str, Any], typed: TypeSchema) -> Callable[[Object], None]:
    defaults = has_defaults(schema)

    def settle(obj: Object) -> None:
        obj["apiVersion"] = resource.api_version
        typed.decode(obj)
        if defaults:
            apply_defaults(obj, schema)

    return settle


def _converted(settle: Callable[[Object], None]) -> Callable[[Object], Object]:
    """The conversion strategy None: only apiVersion changes; then what the version does not know is dropped."""

    def convert(obj: Object) -> Object:
        made: Object = deep_copy(obj)
        settle(made)
        return made

    return convert
