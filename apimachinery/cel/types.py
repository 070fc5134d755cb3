"""The types of CEL variables: scalars, lists, maps, objects; those of an OpenAPI schema; their estimated sizes. Pure.

As k8s.io/apiserver/pkg/cel/common (SchemaDeclType): sizes are counted in elements, or bytes of strings, and where a
schema sets no limit the largest request that the server takes does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_REQUEST_BYTES: Final = 3 << 20
#: Of what has no length.
_UNLIMITED: Final = (1 << 63) - 1
_MAX_DURATION_BYTES: Final = 32
_DATE_BYTES: Final = len("2000-01-01") + 2
_MIN_TIME_BYTES: Final = len("2000-01-01T00:00:00Z") + 2
_MAX_TIME_BYTES: Final = len("2000-01-01T00:00:00.000000000Z12:00") + 2
_KEYWORDS: Final = frozenset(
    {
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
_ESCAPES: Final = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
#: The messages of Kubernetes' own functions.
_KNOWN: Final = "kubernetes."
_SCALARS: Final = frozenset(
    {"bool", "int", "uint", "double", "string", "bytes", "duration", "timestamp", "dyn", "null", "list", "map"}
)


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `name` is "bool", "int", "double", "string", "bytes", "duration", "timestamp", "dyn", "list", "map" or
    an object's name."""

    name: str
    element: Type | None = None  #: of a list; a map's values
    fields: Mapping[str, Type] = field(default_factory=dict)  #: of an object, by the names that expressions use
    max_elements: int = _UNLIMITED  #: most items, entries or bytes
    min_bytes: int = 1  #: least length as JSON

    @property
    def is_object(self) -> bool:
        """Whether it has fields; messages that the library knows by name are taken as they are."""
        return self.name not in _SCALARS and not self.name.startswith(_KNOWN)

    def objects(self) -> Iterator[Type]:
        """This and the inner object types."""
        if self.is_object:
            yield self
        for inner in (self.element, *self.fields.values()):
            if inner is not None:
                yield from inner.objects()


BOOL: Final = Type("bool", min_bytes=4)
INT: Final = Type("int")
DOUBLE: Final = Type("double")
STRING: Final = Type("string", min_bytes=2)
DYN: Final = Type("dyn")
TIMESTAMP: Final = Type("timestamp")
#: What a loop over a map goes through.
STRING_KEY: Final = Type("string", max_elements=MAX_REQUEST_BYTES - 2, min_bytes=2)


def list_of(element: Type, most: int | None = None) -> Type:
    """A list; `most` items."""
    limit = max(0, most) if most is not None else (MAX_REQUEST_BYTES - 2) // (element.min_bytes + 1)
    return Type("list", element, max_elements=limit, min_bytes=2)


def map_of(element: Type, most: int | None = None) -> Type:
    """A map from strings; `most` entries."""
    limit = max(0, most) if most is not None else (MAX_REQUEST_BYTES - 2) // (element.min_bytes + 6)
    return Type("map", element, max_elements=limit, min_bytes=2)


def object_of(name: str, fields: Mapping[str, Type], min_bytes: int = 2) -> Type:
    """An object with these fields."""
    return Type(name, fields=fields, min_bytes=min_bytes)


def of_schema(schema: Mapping[str, Any], name: str, *, is_root: bool = False) -> Type | None:
    """The type of what fits a structural schema; None where nothing is known of it. `name` is for its object types."""
    if schema.get("x-kubernetes-int-or-string"):
        return Type("dyn", max_elements=MAX_REQUEST_BYTES - 2)
    match schema.get("type"):
        case "object":
            return _object(schema, name, is_root=is_root)
        case "array":
            items = schema.get("items")
            element = of_schema(items, f"{name}.@idx") if isinstance(items, Mapping) else None
            return list_of(element, schema.get("maxItems")) if element else None
        case "string":
            return _string(schema)
        case "boolean":
            return BOOL
        case "integer":
            return INT
        case "number":
            return DOUBLE
    return None


def _object(schema: Mapping[str, Any], name: str, *, is_root: bool) -> Type | None:
    further = schema.get("additionalProperties")
    if isinstance(further, Mapping):
        value = of_schema(further, f"{name}.@prop")
        return map_of(value, schema.get("maxProperties")) if value else None
    properties = dict(schema.get("properties") or {})
    if is_root or schema.get("x-kubernetes-embedded-resource"):
        properties = with_type_meta(properties)
    required = frozenset(schema.get("required") or ())
    fields: dict[str, Type] = {}
    size = 2
    for key, inner in properties.items():
        found = of_schema(inner, f"{name}.{escaped(key)}")
        if found is None:
            continue
        fields[escaped(key)] = found
        if key in required and inner.get("default") is None:
            size += len(key) + found.min_bytes + 4  # its quotes, colon and comma
    return object_of(name, fields, size)


def with_type_meta(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a whole object: expressions may ask for its type and its name."""
    text = {"type": "string"}
    metadata = {"type": "object", "properties": {"name": text, "generateName": text}}
    return {"apiVersion": text, "kind": text, **properties, "metadata": metadata}


def _string(schema: Mapping[str, Any]) -> Type:
    longest = schema.get("maxLength")
    match schema.get("format"):
        case "byte":
            limit = max(0, longest) if longest is not None else MAX_REQUEST_BYTES - 2
            return Type("bytes", max_elements=limit, min_bytes=2)
        case "duration":
            return Type("duration", max_elements=_MAX_DURATION_BYTES, min_bytes=4)
        case "date":
            return Type("timestamp", max_elements=_DATE_BYTES, min_bytes=_DATE_BYTES)
        case "date-time":
            return Type("timestamp", max_elements=_MAX_TIME_BYTES, min_bytes=_MIN_TIME_BYTES)
    if longest is not None:
        return Type("string", max_elements=4 * max(0, longest), min_bytes=2)  # characters of up to four bytes
    if schema.get("enum"):
        most = max((len(str(each)) for each in schema["enum"]), default=0)
        return Type("string", max_elements=most, min_bytes=2)
    return Type("string", max_elements=MAX_REQUEST_BYTES - 2, min_bytes=2)


def escaped(name: str) -> str:
    """A field's name as expressions spell it: "a-b" as a__dash__b, "namespace" as __namespace__."""
    if name in _KEYWORDS:
        return f"__{name}__"
    for char, spelled in _ESCAPES:
        name = name.replace(char, spelled)
    return name
