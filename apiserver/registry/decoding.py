"""From a request's body to a typed, defaulted object, with unknown and duplicate fields warned of or refused. Pure.

The type checks are those of `apimachinery.schema`; error texts are the reference's decoders'."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from api.kind import Kind
from apimachinery.decode import SyntaxProblem, decode_json, may_have_duplicates, strict_errors, summarize
from apimachinery.errors import BadRequest
from apimachinery.objects import Object
from apimachinery.schema import DecodeError, TypeSchema
from apiserver.registry.context import IGNORE, STRICT
from apiserver.registry.served import Served

#: What the reference calls the registry of Go types in this error.
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"


@dataclass(frozen=True, slots=True)
class Typed:
    """A kind and its schema: all that decoding asks of a served resource, for those that no store holds."""

    kind: Kind
    schema: TypeSchema
    also: tuple[str, ...] = ()  #: older apiVersions of the same shape that are taken too


def decode_object(served: Served | Typed, body: bytes, *, yaml: bool, validation: str, warnings: list[str]) -> Object:
    """A POST or PUT body as an object of the served version; raises BadRequest."""
    obj, complaint = parse(served.kind.resource.kind, body, yaml=yaml)
    check_type(served, obj)
    repeats = not yaml and may_have_duplicates(body, obj)
    if repeats and (strict := strict_errors(body, ())):
        # Go's decoder merges what is given twice.
        obj = json.loads(body, object_pairs_hook=_merged)
        check_type(served, obj)
    else:
        strict = []
    problems = normalise(served, obj)
    if strict:
        problems = strict_errors(body, problems)
    if complaint:
        problems.insert(0, complaint)
    if problems and validation == STRICT:
        raise cannot_be_handled(served, obj, strict_text(problems))
    if validation != IGNORE:
        warnings += problems
    return obj


def _merged(pairs: list[tuple[str, Any]]) -> Object:
    made: Object = {}
    for key, value in pairs:
        present = made.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            value = {**present, **value}
        made[key] = value
    return made


def strict_yaml(body: bytes) -> tuple[Object, str]:
    """YAML as an object, and the complaint about duplicate keys; raises SyntaxProblem."""
    from apimachinery.decode_yaml import decode_yaml_strict  # here, as few bodies are

    return decode_yaml_strict(body)


def parse(kind: str, body: bytes, *, yaml: bool) -> tuple[Object, str]:
    """Bytes as a dict, and YAML's complaint about duplicate keys; raises BadRequest for an object of `kind`."""
    try:
        return strict_yaml(body) if yaml else (decode_json(body), "")
    except SyntaxProblem as error:
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {error}", body) from error


def _unrecognized(kind: str, why: str, body: bytes) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {kind}): {why} ({summarize(body)})")


def check_type(served: Served | Typed, obj: Object) -> None:
    """The body's apiVersion and kind are those served here (absent ones are filled in); raises BadRequest."""
    resource = served.kind.resource
    if isinstance(served, Typed) and obj.get("apiVersion") in served.also:
        obj["apiVersion"] = resource.api_version
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if version == resource.api_version and kind == resource.kind:
        return
    for field, value, wanted in (("apiVersion", version, resource.api_version), ("kind", kind, resource.kind)):
        if value is None or value == "":
            obj[field] = wanted
        elif not isinstance(value, str):
            why = (
                f"couldn't get version/kind; json parse error: json: cannot unmarshal {_go_type(value)} into Go struct"
            )
            raise _unrecognized(resource.kind, f"{why} field .{field} of type string", orjson.dumps(obj))
    version, kind = obj["apiVersion"], obj["kind"]
    if version == resource.api_version and kind == resource.kind:
        return
    if version != resource.api_version:
        why = f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"'
    else:
        group = resource.group.partition(".")[0] or "core"
        why = f"converting ({resource.version}.{kind}) to ({group}.{resource.kind}): unknown conversion"
    raise cannot_be_handled(served, obj, why)


def _go_type(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"


def normalise(served: Served | Typed, obj: Object) -> list[str]:
    """Type-check in place, drop unknown fields and return them; raises BadRequest."""
    try:
        return served.schema.decode(obj)
    except DecodeError as error:
        raise cannot_be_handled(served, obj, str(error)) from error


def cannot_be_handled(served: Served | Typed, obj: Object, why: str) -> BadRequest:
    """`Deployment in version "v1" cannot be handled as a Deployment: WHY`."""
    version = str(obj.get("apiVersion") or "").rpartition("/")[2]
    text = f'{obj.get("kind")} in version "{version}" cannot be handled as a {served.kind.resource.kind}: {why}'
    return BadRequest(text)


def strict_text(problems: list[str]) -> str:
    """The text for unknown and duplicate fields together."""
    return "strict decoding error: " + ", ".join(problems)


def to_stored_form(served: Served, obj: Object) -> Object:
    """Default in the served version, then convert to the stored one."""
    served.kind.strategy.default(obj)
    return served.to_stored(obj)
