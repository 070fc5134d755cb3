"""Objects inside of custom resources say what they are and have metadata (x-kubernetes-embedded-resource). Pure.

(k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.validation import names
from api.validation.objectmeta import validate_object_meta
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]
#: Metadata need not say a name, but its rules ask for one.
_NAMELESS: Final = "fakename"


def validate(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Every fault of the embedded objects in the value at `path`."""
    errors: list[FieldError] = []
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            errors += _object(value, path)
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name, further)
            if isinstance(inner, Mapping):
                at = f"{path}.{name}" if path else name
                errors += validate(value[name], inner, at if name in properties else f"{path}[{name}]")
    elif isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        for index, item in enumerate(value):
            errors += validate(item, items, f"{path}[{index}]")
    return errors


def _object(value: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, problem in (("apiVersion", _version_problem), ("kind", _kind_problem)):
        said = value.get(name)
        if name not in value or said == "":
            errors.append(fe.required(f"{path}.{name}", "must not be empty"))
        elif not isinstance(said, str):
            errors.append(fe.invalid(f"{path}.{name}", said, "must be a string"))
        elif text := problem(said):
            errors.append(fe.invalid(f"{path}.{name}", said, text))
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        named = {**metadata, "name": metadata.get("name") or _NAMELESS}
        namespaced = bool(metadata.get("namespace"))
        at = f"{path}.metadata"
        errors += validate_object_meta(named, namespaced, names.path_segment_name, at, standard_finalizers=False)
    return errors


def _version_problem(version: str) -> str:
    return f"unexpected GroupVersion string: {version}" if version.count("/") > 1 else ""


def _kind_problem(kind: str) -> str:
    problems = names.dns1035_label(kind.lower())
    return f"may have mixed case, but should otherwise match: {','.join(problems)}" if problems else ""
