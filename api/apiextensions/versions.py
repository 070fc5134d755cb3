"""spec.versions of CustomResourceDefinitions: schemas, subresources, printer columns. Pure.

What all versions say alike, the reference moves to the top of its internal form: errors about it name
`spec.validation`, `spec.subresources` and `spec.additionalPrinterColumns`, and are told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.apiextensions.defaults import validate_defaults
from api.apiextensions.openapi import validate_openapi
from api.apiextensions.ruling import validate_rules
from api.apiextensions.structural import validate_structural
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError, GoSyntax

Version = Mapping[str, Any]

_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MAX_WARNING: Final = 256
_ROOT_WORDS: Final[Mapping[str, str]] = {
    "description": "Description", "type": "Type", "format": "Format", "title": "Title", "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum", "minimum": "Minimum", "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength", "minLength": "MinLength", "pattern": "Pattern", "maxItems": "MaxItems",
    "minItems": "MinItems", "uniqueItems": "UniqueItems", "multipleOf": "MultipleOf", "required": "Required",
    "items": "Items", "properties": "Properties", "externalDocs": "ExternalDocs", "example": "Example",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields", "x-kubernetes-validations": "XValidations",
}  # fmt: skip


def validate_versions(spec: Mapping[str, Any]) -> list[FieldError]:
    """Every rule that the versions break."""
    versions = spec.get("versions") or []
    shared = {word: _same(versions, word) for word in ("schema", "subresources", "additionalPrinterColumns")}
    errors: list[FieldError] = []
    for index, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            errors.append(fe.required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required"))
    for index, version in enumerate(versions):
        errors += _validate_version(version, f"spec.versions[{index}]", shared)
    errors += _validate_set(versions)
    if shared["schema"] is not None:
        status = any(_has_status(version) for version in versions)
        errors += _validate_schema(shared["schema"], "spec.validation", has_status=status)
    if shared["subresources"] is not None:
        errors += _validate_subresources(shared["subresources"], "spec.subresources")
    return errors + _validate_columns(shared["additionalPrinterColumns"] or (), "spec")


def _same(versions: Sequence[Version], word: str) -> Any:
    """What all versions say; None where they do not."""
    first = versions[0].get(word) if versions else None
    return first if first and all(version.get(word) == first for version in versions) else None


def _has_status(version: Version) -> bool:
    return (version.get("subresources") or {}).get("status") is not None


def _validate_set(versions: Sequence[Version]) -> list[FieldError]:
    errors: list[FieldError] = []
    if len({version.get("name") for version in versions}) != len(versions):
        errors.append(fe.invalid("spec.versions", versions, "must contain unique version names"))
    if sum(1 for version in versions if version.get("storage")) != 1:
        text = "must have exactly one version marked as storage version"
        shown = versions or GoSyntax("[]apiextensions.CustomResourceDefinitionVersion(nil)")
        errors.append(fe.invalid("spec.versions", shown, text))
    return errors


def _validate_version(version: Version, path: str, shared: Mapping[str, Any]) -> list[FieldError]:
    name = version.get("name") or ""
    problems = names.dns1035_label(name)
    errors = [fe.invalid(f"{path}.name", name, ",".join(problems))] if problems else []
    errors += _validate_warning(version, f"{path}.deprecationWarning")
    if shared["schema"] is None:
        errors += _validate_schema(version.get("schema") or {}, f"{path}.schema", has_status=_has_status(version))
    if shared["subresources"] is None:
        errors += _validate_subresources(version.get("subresources") or {}, f"{path}.subresources")
    if shared["additionalPrinterColumns"] is None:
        errors += _validate_columns(version.get("additionalPrinterColumns") or (), path)
    return errors


def _validate_warning(version: Version, path: str) -> list[FieldError]:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [fe.invalid(path, text, "can only be set for deprecated versions")]
    problems = []
    if len(text.encode()) > _MAX_WARNING:
        problems.append("must be <= 256 characters long")
    if not text:
        problems.append("must not be an empty string")
    at = next((index for index, char in enumerate(text) if not char.isprintable()), None)
    if at is not None:
        offset = len(text[:at].encode())
        rule = "must only contain printable UTF-8 characters; non-printable character found at index"
        problems.append(f"{rule} {offset}")
    return [fe.invalid(path, text, problem) for problem in problems]


def _validate_schema(validation: Mapping[str, Any], path: str, *, has_status: bool) -> list[FieldError]:
    """`validation` holds the schema as openAPIV3Schema. CEL rules are looked at in schemas without other faults."""
    schema, at = validation.get("openAPIV3Schema"), f"{path}.openAPIV3Schema"
    if schema is None:
        return []
    errors = _validate_root(schema, at) if has_status else []
    if schema.get("nullable"):
        errors.append(fe.forbidden(f"{at}.nullable", "nullable cannot be true at the root"))
    faults = validate_structural(schema, at) or validate_defaults(schema, at)
    faults += validate_openapi(schema, at)
    return errors + (faults or validate_rules(schema, at))


def _validate_root(schema: Mapping[str, Any], path: str) -> list[FieldError]:
    """With a status subresource nothing may be said of spec and status together."""
    if schema.get("type") not in (None, "", "object"):
        text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        return [fe.invalid(f"{path}.type", schema["type"], text)]
    if any(value not in (None, False, "", [], {}) and word not in _ROOT_WORDS for word, value in schema.items()):
        known = " ".join(_ROOT_WORDS.values())
        text = f"only [{known}] fields are allowed at the root of the schema if the status subresource is enabled"
        return [fe.invalid(path, dict(schema), text)]
    return []


def _validate_columns(columns: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, column in enumerate(columns):
        errors += _validate_column(column, f"{path}.additionalPrinterColumns[{index}]")
    return errors


def _validate_column(column: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not column.get("name"):
        errors.append(fe.required(f"{path}.name"))
    kind, shape = column.get("type") or "", column.get("format") or ""
    if not kind:
        errors.append(fe.required(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif kind not in _COLUMN_TYPES:
        errors.append(fe.invalid(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}"))
    if shape and shape not in _COLUMN_FORMATS:
        errors.append(fe.invalid(f"{path}.format", shape, f"must be one of {','.join(_COLUMN_FORMATS)}"))
    if not column.get("jsonPath"):
        return [*errors, fe.required(f"{path}.JSONPath")]
    return errors + _validate_path(column["jsonPath"], f"{path}.JSONPath", ())


def _validate_path(value: str, path: str, roots: Sequence[str], text: str = "") -> list[FieldError]:
    if not value.startswith("."):
        return [fe.invalid(path, value, "must be a simple json path starting with .")]
    return [fe.invalid(path, value, text)] if roots and not value.startswith(tuple(roots)) else []


def _validate_subresources(subresources: Mapping[str, Any], path: str) -> list[FieldError]:
    scale = subresources.get("scale")
    if scale is None:
        return []
    errors: list[FieldError] = []
    for field, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        at, value = f"{path}.scale.{field}", scale.get(field) or ""
        text = f"should be a json path under {root}"
        errors += _validate_path(value, at, [f"{root}."], text) if value else [fe.required(at)]
    if value := scale.get("labelSelectorPath"):
        text = "should be a json path under either .spec or .status"
        errors += _validate_path(value, f"{path}.scale.labelSelectorPath", [".spec.", ".status."], text)
    return errors
