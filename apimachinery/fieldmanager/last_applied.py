"""The way from client-side to server-side apply: what kubectl noted in the last-applied annotation it may take over.

Pure. Only the manager "kubectl" has this privilege, as only it kept that annotation."""

from __future__ import annotations

from typing import Any, Final

import orjson

from apimachinery.fieldmanager import fieldset, walks
from apimachinery.fieldmanager.fieldset import FieldSet
from apimachinery.objects import Object, annotations_of
from apimachinery.schema.model import TypeSchema

MANAGER: Final = "kubectl"
ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"


def claims(live: Object, untracked: Object, schema: TypeSchema) -> FieldSet:
    """The fields that kubectl had applied and that are still as it left them."""
    noted = _noted(live)
    if not isinstance(noted, dict) or noted.get("apiVersion") != live.get("apiVersion"):
        return {}
    try:
        applied = walks.fields_of(schema, noted)
    except walks.UnknownElement:
        return {}
    found = walks.compare(schema, noted, untracked)
    for changed in (found.modified, found.added, found.removed):
        applied = fieldset.difference(applied, changed)
    return applied


def _noted(live: Object) -> Any:
    text = annotations_of(live).get(ANNOTATION)
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def refreshed(live: Object, merged: Object, applied: Object) -> Object:
    """The merged object with the annotation kept up to date where the live object has it."""
    if not annotations_of(live).get(ANNOTATION):
        return merged
    metadata = applied.get("metadata") or {}
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != ANNOTATION}
    noted = {**applied, "metadata": {**metadata, "annotations": kept}}
    text = orjson.dumps(noted, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
    annotations = {**annotations_of(merged), ANNOTATION: text}
    return {**merged, "metadata": {**(merged.get("metadata") or {}), "annotations": annotations}}
