"""The AdmissionReview that a webhook is sent, and what its answer means. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.errors import ApiError, BadRequest, Forbidden, from_status
from apimachinery.objects import Object, name_of
from apiserver.admission.base import operation
from apiserver.authn.reviews import user_object
from apiserver.interfaces import Attributes

_GROUP = "admission.k8s.io"
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "delete": "DeleteOptions"}


class BadAnswer(Exception):
    """The webhook answered, but not as it has to; counts as a failed call."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook said."""

    allowed: bool
    status: Object
    patch: Sequence[Any] | None
    warnings: tuple[str, ...]


def review(
    attributes: Attributes, kind: tuple[str, str, str], obj: Object | None, old: Object | None, uid: str, version: str
) -> Object:
    """The AdmissionReview of `version`; `kind` is (group, version, kind) of the object."""
    resource = {"group": attributes.group, "version": attributes.version, "resource": attributes.resource}
    described = {"group": kind[0], "version": kind[1], "kind": kind[2]}
    verb = operation(attributes)
    request: Object = {
        "uid": uid,
        "kind": described,
        "resource": resource,
        "requestKind": described,
        "requestResource": resource,
        "operation": verb.upper(),
        "userInfo": user_object(attributes.user),
        "object": _typed(obj, kind),
        "oldObject": _typed(old, kind),
        "dryRun": attributes.dry_run,
        "options": {**attributes.options, "kind": _OPTIONS.get(verb, ""), "apiVersion": "meta.k8s.io/v1"},
    }
    if attributes.subresource:
        request["subResource"] = request["requestSubResource"] = attributes.subresource
    name = attributes.name or name_of(obj or old or {})
    if name:
        request["name"] = name
    if attributes.namespace:
        request["namespace"] = attributes.namespace
    return {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}


def _typed(obj: Object | None, kind: tuple[str, str, str]) -> Object | None:
    if obj is None:
        return None
    group, version, name = kind
    return {"kind": name, "apiVersion": f"{group}/{version}" if group else version, **obj}


def verdict(body: bytes, uid: str, version: str) -> Verdict:
    """What the answer says; raises BadAnswer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"the answer is not JSON: {error}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise BadAnswer("webhook response was absent")
    response = answer["response"]
    if answer.get("apiVersion") != f"{_GROUP}/{version}" or answer.get("kind") != "AdmissionReview":
        raise BadAnswer(f"expected webhook response of {_GROUP}/{version}, Kind=AdmissionReview")
    if response.get("uid") != uid:
        raise BadAnswer(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    return Verdict(
        bool(response.get("allowed")),
        response.get("status") or {},
        _patch(response),
        tuple(str(text) for text in response.get("warnings") or ()),
    )


def _patch(response: Object) -> Sequence[Any] | None:
    encoded = response.get("patch")
    if not encoded:
        return None
    if response.get("patchType") != "JSONPatch":
        raise BadAnswer('webhook returned response.patch but not response.patchType "JSONPatch"')
    try:
        patch = orjson.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise BadAnswer(f"response.patch is not base64 of JSON: {error}") from error
    if not isinstance(patch, list):
        raise BadAnswer("response.patch is not a list of operations")
    return patch


def denied(webhook: str, status: Object) -> ApiError:
    """The error for the client: the webhook's own status, its code at least 400."""
    by = f'admission webhook "{webhook}" denied the request'
    if status.get("message"):
        text = f"{by}: {status['message']}"
    elif status.get("reason"):
        text = f"{by}: {status['reason']}"
    else:
        text = f"{by} without explanation"
    code = status.get("code") or 0
    if code < 400:
        return Forbidden(text) if code == 0 and status.get("reason") == "Forbidden" else _plain(text, status)
    error = from_status({**status, "message": text}, code)
    error.http_reason = status.get("reason") or ""
    return error


def _plain(text: str, status: Object) -> ApiError:
    error = BadRequest(text, details=status.get("details"))
    error.http_reason = status.get("reason") or ""
    return error
