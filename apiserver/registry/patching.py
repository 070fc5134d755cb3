"""PATCH as a function from the present object to the wanted one: JSON, merge, strategic and apply. Pure.

The patch kinds themselves are in `apimachinery.patch` and `apimachinery.fieldmanager`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery import decode, errors, fieldmanager
from apimachinery import fielderrors as fe
from apimachinery.errors import BadRequest
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import json_patch, merge_patch, strategic
from apimachinery.patch.directives import go_print
from apimachinery.schema import DecodeError
from apimachinery.schema.leaves import json_kind
from apiserver.registry import decoding, ownership
from apiserver.registry.context import IGNORE, STRICT, WriteContext
from apiserver.registry.fieldversions import ResourceVersions
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
    problems: tuple[str, ...] = ()  #: what strict decoding says of the patch itself


def parse(served: Served, media_type: str, raw: bytes, context: WriteContext, *, force: bool) -> Patch:
    """Parse the body once, before the object is looked at; raises BadRequest."""
    if media_type == APPLY_PATCH:
        return Patch(media_type, _parse_apply(served, raw, context), force)
    try:
        body = decode.decode_json_value(raw)
    except decode.SyntaxProblem as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if media_type == JSON_PATCH:
        body = json_patch.check(body)
        problems = [f"json patch {text}" for text in decode.strict_errors(raw, json_patch.unknown_members(body))]
    else:
        if body is None and media_type == MERGE_PATCH:
            raise BadRequest("Invalid JSON Patch")
        body = {} if body is None else body
        if not isinstance(body, dict):
            wanted = "Go value of type map[string]interface {}"
            raise BadRequest(f"error decoding patch: json: cannot unmarshal {json_kind(body)} into {wanted}")
        problems = decode.duplicate_fields(raw)
    return Patch(media_type, body, problems=tuple(problems) if context.field_validation != IGNORE else ())


def _parse_apply(served: Served, raw: bytes, context: WriteContext) -> Object:
    try:
        body, complaint = decoding.strict_yaml(raw)
    except decode.SyntaxProblem as error:
        raise BadRequest(f"error decoding YAML: {error}") from error
    _check_applied_type(served, body)
    if complaint and context.field_validation == STRICT:
        raise BadRequest(f"error strict decoding YAML: {complaint}")
    if complaint and context.field_validation != IGNORE:
        context.warnings.append(complaint)
    return body


def _check_applied_type(served: Served, body: Object) -> None:
    version, kind = body.get("apiVersion") or "", body.get("kind") or ""
    resource = served.kind.resource
    if version != resource.api_version or kind != resource.kind:
        group, _, number = str(version).rpartition("/")
        raise BadRequest(f"invalid object type: {group}/{number}, Kind={kind}")


def patched(served: Served, patch: Patch, live: Object | None, context: WriteContext, subresource: str) -> Object:
    """The wanted object in the stored version; `live` is a private copy of the stored one; raises ApiError."""
    versioned = served.from_stored(live) if live is not None and served.from_stored else live
    if patch.media_type == APPLY_PATCH:
        wanted = _applied(served, patch, versioned, context, subresource)
    elif versioned is None:
        raise served.not_found("")
    else:
        wanted = _merged(served, patch, versioned)
        _normalise(served, patch, wanted, context)
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


def _normalise(served: Served, patch: Patch, wanted: Object, context: WriteContext) -> None:
    """Type-check what the patch made, by a decode or (strategic merge) by a conversion, which shows the patch."""
    strategic_merge = patch.media_type == STRATEGIC_MERGE_PATCH
    shown = go_print(patch.body) if strategic_merge else orjson.dumps(wanted).decode()
    try:
        decoding.check_type(served, wanted)
        found = served.schema.decode(wanted)
    except DecodeError as error:
        raise _invalid_patch(shown, error.conversion if strategic_merge else str(error)) from error
    problems = [*patch.problems, *(sorted(found) if strategic_merge else found)]
    if problems and context.field_validation == STRICT:
        raise _invalid_patch(shown, decoding.strict_text(problems))
    if context.field_validation != IGNORE:
        context.warnings += problems


def _invalid_patch(shown: str, why: str) -> errors.Invalid:
    return errors.invalid("", "", "", [fe.invalid("patch", shown, why)])


def _applied(served: Served, patch: Patch, live: Object | None, context: WriteContext, subresource: str) -> Object:
    body = deep_copy(patch.body)
    if not isinstance(body, dict):
        raise BadRequest("an applied object is a mapping")
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
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
        versions=ResourceVersions(served, context),
    )
    try:
        served.schema.decode(wanted)
    except DecodeError as error:
        raise fieldmanager.not_convertible(body, error.conversion) from error
    return wanted
