"""CustomResourceDefinitions: defaults, rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.apiextensions import conditions
from api.apiextensions.approval import validate_approval
from api.apiextensions.conversion import validate_conversion
from api.apiextensions.versions import validate_versions
from api.strategies import STATUS_METADATA, SpecStrategy, StatusStrategy
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError, GoSyntax
from apimachinery.objects import Object, name_of

_SCOPES = ("Cluster", "Namespaced")
_MIXED_CASE = "may have mixed case, but should otherwise match: "


class CustomResourceDefinitionStrategy(SpecStrategy):
    """A kind that users add."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """SetDefaults_CustomResourceDefinition: names follow from the kind, versions are not converted."""
        spec = obj.get("spec")
        if not isinstance(spec, dict):
            return
        named = spec.get("names")
        if isinstance(named, dict) and (kind := named.get("kind")):
            if not named.get("singular"):
                named["singular"] = kind.lower()
            if not named.get("listKind"):
                named["listKind"] = f"{kind}List"
        if spec.get("conversion") is None:
            spec["conversion"] = {"strategy": "None"}
        webhook = spec["conversion"].get("webhook") or {}
        service = (webhook.get("clientConfig") or {}).get("service")
        if service is not None:
            service.setdefault("port", 443)

    def prepare_create(self, obj: Object) -> None:
        """Nothing is accepted yet; what is written will be in the storage version."""
        super().prepare_create(obj)
        obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}
        _note_storage_version(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """A new storage version is remembered beside those that objects are stored in already."""
        super().prepare_update(new, old)
        _note_storage_version(new)

    def begin_deletion(self, obj: Object, now: datetime) -> bool:
        """The objects of the kind go first."""
        finalizers = obj["metadata"].get("finalizers") or []
        if conditions.FINALIZER not in finalizers:
            obj["metadata"]["finalizers"] = [*finalizers, conditions.FINALIZER]
        text = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        status = obj.get("status") or {}
        obj["status"] = conditions.with_condition(status, "Terminating", "True", "InstanceDeletionPending", text, now)
        return True

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCustomResourceDefinition."""
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        expected = f"{(spec.get('names') or {}).get('plural') or ''}.{spec.get('group') or ''}"
        if name_of(obj) not in ("", expected):
            errors.append(fe.invalid("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group'))
        errors += _validate_spec(spec) + _validate_stored(obj) + validate_approval(obj)
        return errors + _validate_preserving(spec, {})

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCustomResourceDefinitionUpdate: what decides where objects are stored stays."""
        spec, former = new.get("spec") or {}, old.get("spec") or {}
        errors = _validate_spec(spec)
        fixed = [("group", spec.get("group"), former.get("group")), _name_change("plural", spec, former)]
        if _is_established(old):
            scope = ("scope", spec.get("scope"), former.get("scope"))
            fixed = [scope, _name_change("kind", spec, former), *fixed]
        for field, value, before in fixed:
            if value != before:
                errors.append(fe.invalid(f"spec.{field}", value, FIELD_IMMUTABLE))
        errors += _validate_stored(new)
        errors += [] if validate_approval(old) else validate_approval(new)
        return errors + _validate_preserving(spec, former)


class CustomResourceDefinitionStatusStrategy(StatusStrategy):
    """Which names were accepted, and in which versions objects are stored."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateUpdateCustomResourceDefinitionStatus."""
        return _validate_well_formed((new.get("status") or {}).get("acceptedNames") or {}, "status.acceptedNames")


def _note_storage_version(obj: Object) -> None:
    status = obj.get("status") or {}
    stored = list(status.get("storedVersions") or ())
    for version in (obj.get("spec") or {}).get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            stored.append(version.get("name"))
    obj["status"] = {**status, "storedVersions": stored}


def _is_established(obj: Object) -> bool:
    return conditions.is_true(obj, "Established")


def _name_change(field: str, spec: Mapping[str, Any], former: Mapping[str, Any]) -> tuple[str, Any, Any]:
    return f"names.{field}", (spec.get("names") or {}).get(field), (former.get("names") or {}).get(field)


def _validate_stored(obj: Object) -> list[FieldError]:
    stored = (obj.get("status") or {}).get("storedVersions") or []
    if not stored:
        return [fe.invalid("status.storedVersions", GoSyntax("[]string(nil)"), "must have at least one stored version")]
    versions = (obj.get("spec") or {}).get("versions") or ()
    known = {version.get("name") for version in versions}
    errors = [
        fe.invalid("status.storedVersions", stored, f"must have the storage version {version.get('name')}")
        for version in versions
        if version.get("storage") and version.get("name") not in stored
    ]
    for index, version in enumerate(stored):
        if version not in known:
            errors.append(fe.invalid(f"status.storedVersions[{index}]", version, "must appear in spec.versions"))
    return errors


def _validate_spec(spec: Mapping[str, Any]) -> list[FieldError]:
    errors = _validate_group(spec.get("group") or "")
    scope = spec.get("scope") or ""
    if not scope:
        errors.append(fe.required("spec.scope"))
    elif scope not in _SCOPES:
        errors.append(fe.not_supported("spec.scope", scope, _SCOPES))
    return errors + validate_versions(spec) + _validate_names(spec.get("names") or {}) + validate_conversion(spec)


def _validate_preserving(spec: Mapping[str, Any], former: Mapping[str, Any]) -> list[FieldError]:
    if not spec.get("preserveUnknownFields") or former.get("preserveUnknownFields"):
        return []
    instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    return [fe.invalid("spec.preserveUnknownFields", True, f"cannot set to true, {instead}")]


def _validate_group(group: str) -> list[FieldError]:
    if not group:
        return [fe.required("spec.group")]
    if problems := names.dns1123_subdomain(group):
        return [fe.invalid("spec.group", group, ",".join(problems))]
    if "." not in group:
        return [fe.invalid("spec.group", group, "should be a domain with at least one dot")]
    return []


def _validate_names(named: Mapping[str, Any]) -> list[FieldError]:
    path = "spec.names"
    missing = [field for field in ("plural", "singular", "kind", "listKind") if not named.get(field)]
    return [fe.required(f"{path}.{field}") for field in missing] + _validate_well_formed(named, path)


def _validate_well_formed(named: Mapping[str, Any], path: str) -> list[FieldError]:
    """ValidateCustomResourceDefinitionNames: those that are there."""
    errors: list[FieldError] = []
    for field in ("plural", "singular", "kind", "listKind"):
        value, mixed = named.get(field) or "", field in ("kind", "listKind")
        problems = names.dns1035_label(value.lower() if mixed else value) if value else []
        if problems:
            errors.append(fe.invalid(f"{path}.{field}", value, (_MIXED_CASE if mixed else "") + ",".join(problems)))
    errors += _validate_labels(named.get("shortNames") or (), f"{path}.shortNames")
    if named.get("kind") and named.get("kind") == named.get("listKind"):
        errors.append(fe.invalid(f"{path}.listKind", named["listKind"], "kind and listKind may not be the same"))
    return errors + _validate_labels(named.get("categories") or (), f"{path}.categories")


def _validate_labels(values: Sequence[str], path: str) -> list[FieldError]:
    found = [(index, value, names.dns1035_label(value)) for index, value in enumerate(values)]
    return [fe.invalid(f"{path}[{index}]", value, ",".join(problems)) for index, value, problems in found if problems]


CUSTOM_RESOURCE_DEFINITION = CustomResourceDefinitionStrategy()
CUSTOM_RESOURCE_DEFINITION_STATUS = CustomResourceDefinitionStatusStrategy(
    CUSTOM_RESOURCE_DEFINITION, keep_metadata=STATUS_METADATA
)
