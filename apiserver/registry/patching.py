"""PATCH as a function from the present object to the wanted one: JSON, merge, strategic and apply. Pure.

The patch kinds themselves are in `apimachinery.patch` and `apimachinery.fieldmanager`."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery import decode, errors, fieldmanager
from apimachinery import fielderrors as fe
from apimachinery.decode_yaml import decode_yaml
from apimachinery.errors import BadRequest
from apimachinery.objects import Object
from apimachinery.patch import json_patch, merge_patch, strategic
from apimachinery.schema import DecodeError
from apiserver.registry import decoding, objectmeta, ownership
from apiserver.registry.context import IGNORE, STRICT, WriteContext
from apiserver.registry.served import Served

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
MEDIA_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch request's body, parsed."""

    media_type: str
    body: Any
    force: bool = False


def parse(served: Served, media_type: str, raw: bytes, context: WriteContext, *, force: bool) -> Patch:
    """Parse the body once, before the object is looked at; raises BadRequest."""
    if media_type == APPLY_PATCH:
        return Patch(media_type, _parse_apply(served, raw, context), force)
    try:
        body = decode.decode_json_value(raw)
    except decode.SyntaxProblem as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if media_type == JSON_PATCH and not isinstance(body, list):
        raise _wrong_shape(body, "[]handlers.jsonPatchOp")
    if media_type != JSON_PATCH and not isinstance(body, dict):
        raise _wrong_shape(body, "map[string]interface {}")
    return Patch(media_type, body)


def _wrong_shape(body: object, wanted: str) -> BadRequest:
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    shown = names.get(type(body), "null")
    return BadRequest(f"error decoding patch: json: cannot unmarshal {shown} into Go value of type {wanted}")


def _parse_apply(served: Served, raw: bytes, context: WriteContext) -> Object:
    try:
        body = decode_yaml(raw)
    except decode.SyntaxProblem as error:
        raise BadRequest(f"error decoding YAML: {error}") from error
    _check_applied_type(served, body)
    if context.field_validation != IGNORE:
        problems = _unknown_fields(served, body)
        if problems and context.field_validation == STRICT:
            raise decoding.cannot_be_handled(served, body, decoding.strict_text(problems))
        context.warnings += problems
    return body


def _check_applied_type(served: Served, body: Object) -> None:
    version, kind = body.get("apiVersion") or "", body.get("kind") or ""
    resource = served.kind.resource
    if version != resource.api_version or kind != resource.kind:
        group, _, number = str(version).rpartition("/")
        raise BadRequest(f"invalid object type: {group}/{number}, Kind={kind}")


def _unknown_fields(served: Served, body: Object) -> list[str]:
    try:
        return served.schema.decode(copy.deepcopy(body))
    except DecodeError as error:
        raise BadRequest(f"failed to create typed patch object: {error}") from error


def patched(served: Served, patch: Patch, live: Object | None, context: WriteContext, subresource: str) -> Object:
    """The wanted object in the stored version; `live` is a private copy of the stored one; raises ApiError."""
    versioned = served.from_stored(live) if live is not None and served.from_stored else live
    if patch.media_type == APPLY_PATCH:
        wanted = _applied(served, patch, versioned, context, subresource)
    elif versioned is None:
        raise served.not_found("")
    else:
        wanted = _merged(served, patch, versioned)
        _normalise(served, wanted, context)
    return decoding.to_stored_form(served, wanted)


def _merged(served: Served, patch: Patch, live: Object) -> Object:
    if patch.media_type == JSON_PATCH:
        return _object(json_patch.apply(live, patch.body))
    if patch.media_type == MERGE_PATCH:
        return _object(merge_patch.apply(live, patch.body))
    return _object(strategic.apply(live, patch.body, served.schema))


def _object(value: Any) -> Object:
    """What a patch made, which was an object before; a patch cannot make anything else of it."""
    if not isinstance(value, dict):
        raise BadRequest("the patched value is no object")
    return value


def _normalise(served: Served, wanted: Object, context: WriteContext) -> None:
    """Type-check what the patch made, as a decode would."""
    before = orjson.dumps(wanted)
    try:
        decoding.check_type(served, wanted)
        problems = served.schema.decode(wanted)
    except DecodeError as error:
        raise _invalid_patch(before, str(error)) from error
    if problems and context.field_validation == STRICT:
        raise _invalid_patch(before, decoding.strict_text(problems))
    if context.field_validation != IGNORE:
        context.warnings += problems


def _invalid_patch(patched_json: bytes, why: str) -> errors.Invalid:
    return errors.invalid("", "", "", [fe.invalid("patch", patched_json.decode(), why)])


def _applied(served: Served, patch: Patch, live: Object | None, context: WriteContext, subresource: str) -> Object:
    body = copy.deepcopy(patch.body)
    if not isinstance(body, dict):
        raise BadRequest("an applied object is a mapping")
    if objectmeta.metadata_of(body).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    wanted = fieldmanager.apply(
        live,
        body,
        manager=context.field_manager,
        force=patch.force,
        subresource=subresource,
        schema=served.schema,
        now=context.now,
        reset=ownership.reset_fields(served, subresource),
    )
    try:
        served.schema.decode(wanted)
    except DecodeError as error:
        raise BadRequest(f"failed to create typed patch object: {error}") from error
    return wanted
