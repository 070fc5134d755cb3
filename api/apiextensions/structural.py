"""Whether a schema is structural: of every field it says the type, outside of allOf, anyOf, oneOf and not. Pure.

Only then can unknown fields be dropped, defaults filled in and changes merged.
(k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apimachinery import fielderrors as fe
from apimachinery import regex
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]

_PRESERVE, _INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
#: What the schema of a part is called in the text for a missing type.
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"
_EITHER: Final = [{"type": "integer"}, {"type": "string"}]
#: What may only be said outside of allOf, anyOf, oneOf and not, and how its absence is called.
_OUTSIDE_ONLY: Final[Mapping[str, str]] = {
    "type": "empty",
    "additionalProperties": "undefined",
    "default": "undefined",
    "title": "empty",
    "description": "empty",
    "nullable": "false",
    _PRESERVE: "false",
    _EMBEDDED: "false",
    _INT_OR_STRING: "false",
    "x-kubernetes-list-map-keys": "empty",
    "x-kubernetes-list-type": "undefined",
    "x-kubernetes-map-type": "undefined",
    "x-kubernetes-validations": "empty",
}


def validate_structural(schema: Schema, path: str) -> list[FieldError]:
    """Every rule that a version's schema breaks, in the order of the texts."""
    return sorted([*_level(schema, path, _ROOT), *_complete(schema, schema, path, path)], key=str)


def _level(schema: Schema, path: str, level: str) -> Iterator[FieldError]:
    items, further = schema.get("items"), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        yield fe.required(f"{path}.items", "must be specified")
    if isinstance(items, Mapping):
        yield from _level(items, f"{path}.items", _ITEM)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _level(inner, f"{path}.properties[{name}]", _FIELD)
    if further not in (None, False):
        if level is _ROOT:
            yield fe.forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if isinstance(further, Mapping):
            yield from _level(further, f"{path}.additionalProperties", _FIELD)
    yield from _extensions(schema, path)
    yield from _values(schema, path, schema.get("anyOf") == _EITHER, _is_either_first(schema))
    yield from _type(schema, path, level)
    if level is _ROOT or schema.get(_EMBEDDED):
        yield from _metadata(schema.get("properties") or {}, path, level)


def _is_either_first(schema: Schema) -> bool:
    parts: list[Any] = schema.get("allOf") or []
    return bool(parts) and parts[0].get("anyOf") == _EITHER


def _extensions(schema: Schema, path: str) -> Iterator[FieldError]:
    if schema.get(_INT_OR_STRING):
        for word in (_PRESERVE, _EMBEDDED):
            if schema.get(word):
                yield fe.invalid(f"{path}.{word}", True, f"must be false if {_INT_OR_STRING} is true")
    if not schema.get(_EMBEDDED):
        return
    if schema.get("additionalProperties") is not None:
        text = f"must not be used if {_EMBEDDED} is set"
        yield fe.forbidden(f"{path}.additionalProperties", text)
    if not schema.get(_PRESERVE) and not schema.get("properties"):
        text = f"must not be empty if {_EMBEDDED} is true without {_PRESERVE}"
        yield fe.required(f"{path}.properties", text)


def _type(schema: Schema, path: str, level: str) -> Iterator[FieldError]:
    kind, at = schema.get("type") or "", f"{path}.type"
    if schema.get(_EMBEDDED) and kind != "object":
        text = f"must be object if {_EMBEDDED} is true"
        yield fe.invalid(at, kind, text) if kind else fe.required(at, text)
    elif not kind and not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVE):
        yield fe.required(at, f"must not be empty {level}")
    if level is _ROOT and kind and kind != "object":
        yield fe.invalid(at, kind, "must be object at the root")


def _metadata(properties: Schema, path: str, level: str) -> Iterator[FieldError]:
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        kind = (properties.get(name) or {}).get("type") or ""
        if name in properties and kind != wanted:
            yield fe.invalid(f"{path}.properties[{name}].type", kind, f"must be {wanted}")
    metadata = properties.get("metadata")
    if metadata is None or level is not _ROOT:
        return
    rest = {word for word, value in metadata.items() if value not in (None, False, "", [], {})}
    known = set(metadata.get("properties") or ()) <= {"name", "generateName"}
    if rest - {"type", "properties", "default", "description"} or not known:
        text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield fe.forbidden(f"{path}.properties[metadata]", text)


def _values(schema: Schema, path: str, skip_any: bool, skip_first_any: bool) -> Iterator[FieldError]:
    """What restricts the values of a level. The two ways of saying int-or-string are let pass: `skip_any` is "anyOf
    integer, string" itself, `skip_first_any` the same as the first of allOf."""
    if not skip_any:
        for index, part in enumerate(schema.get("anyOf") or ()):
            yield from _nested(part, f"{path}.anyOf[{index}]")
    for index, part in enumerate(schema.get("allOf") or ()):
        yield from _nested(part, f"{path}.allOf[{index}]", skip_any=skip_first_any and index == 0)
    for index, part in enumerate(schema.get("oneOf") or ()):
        yield from _nested(part, f"{path}.oneOf[{index}]")
    if isinstance(schema.get("not"), Mapping):
        yield from _nested(schema["not"], f"{path}.not")
    if pattern := schema.get("pattern"):
        try:
            regex.compile_pattern(pattern)
        except regex.PatternError as error:
            yield fe.invalid(f"{path}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")


def _nested(part: Schema, path: str, *, skip_any: bool = False) -> Iterator[FieldError]:
    yield from _values(part, path, skip_any, skip_first_any=False)
    if isinstance(part.get("items"), Mapping):
        yield from _nested(part["items"], f"{path}.items")
    for name, inner in (part.get("properties") or {}).items():
        yield from _nested(inner, f"{path}.properties[{name}]")
    for word, absence in _OUTSIDE_ONLY.items():
        if part.get(word) not in (None, False, "", []):
            yield fe.forbidden(f"{path}.{word}", f"must be {absence} to be structural")
    if "metadata" in (part.get("properties") or {}):
        yield fe.forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _complete(part: Schema, outer: Schema | None, at: str, path: str) -> Iterator[FieldError]:
    """What junctors say of fields must be about fields that the schema has itself."""
    if isinstance(part.get("not"), Mapping):
        yield from _complete_part(part["not"], outer, at, f"{path}.not")
    for word in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(part.get(word) or ()):
            yield from _complete_part(inner, outer, at, f"{path}.{word}[{index}]")


def _complete_part(part: Schema, outer: Schema | None, at: str, path: str) -> Iterator[FieldError]:
    if outer is None:
        yield fe.required(at, f"because it is defined in {path}")
        return
    yield from _complete(part, outer, at, path)
    items = outer.get("items")
    if isinstance(part.get("items"), Mapping):
        known = items if isinstance(items, Mapping) else None
        yield from _complete_part(part["items"], known, f"{at}.items", f"{path}.items")
    for name, inner in (part.get("properties") or {}).items():
        known = (outer.get("properties") or {}).get(name)
        where = f"properties[{name}]"
        yield from _complete_part(inner, known, f"{at}.{where}", f"{path}.{where}")
