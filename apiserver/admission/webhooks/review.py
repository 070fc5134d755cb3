"""The AdmissionReview that a webhook is sent, and what its answer means. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.errors import ApiError, BadRequest, Forbidden, from_status
from apimachinery.meta import Resource
from apimachinery.objects import Object, name_of
from apiserver.admission.base import operation
from apiserver.authn.reviews import user_object
from apiserver.interfaces import Attributes

_GROUP = "admission.k8s.io"
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "delete": "DeleteOptions"}


_TYPES = {dict: "object", int: "integer", list: "list"}


class BadAnswer(Exception):
    """The webhook answered, but not as it has to; counts as a failed call."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook said."""

    allowed: bool
    status: Object
    patch: Sequence[Any] | None
    warnings: tuple[str, ...]
    annotations: Mapping[str, str]  #: for the audit log


#: Group, version and kind.
Kind = tuple[str, str, str]


def review(
    attributes: Attributes,
    kinds: tuple[Kind, Kind],
    resource: Resource | None,
    objects: tuple[Object | None, Object | None],
    uid: str,
    version: str,
) -> Object:
    """The AdmissionReview of `version`. `kinds`: of the objects as they are sent, and as they were requested;
    `resource` is the version that they are sent in (None: that of the request); `objects` the new and the old one."""
    kind, (obj, old) = kinds[0], objects
    asked = {"group": attributes.group, "version": attributes.version, "resource": attributes.resource}
    sent = {"group": resource.group, "version": resource.version, "resource": resource.plural} if resource else asked
    described, requested = ({"group": each[0], "version": each[1], "kind": each[2]} for each in kinds)
    verb = operation(attributes)
    request: Object = {
        "uid": uid,
        "kind": described,
        "resource": sent,
        "requestKind": requested,
        "requestResource": asked,
        "operation": verb.upper(),
        "userInfo": user_object(attributes.user),
        "object": _typed(obj, kind),
        "oldObject": _typed(old, kind),
        "dryRun": attributes.dry_run,
        "options": _options(attributes, verb),
    }
    if attributes.subresource:
        request["subResource"] = request["requestSubResource"] = attributes.subresource
    name = attributes.name or name_of(obj or old or {})
    if name:
        request["name"] = name
    if attributes.namespace:
        request["namespace"] = attributes.namespace
    return {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}


def _options(attributes: Attributes, verb: str) -> Object | None:
    kind = _OPTIONS.get(verb)
    return {**attributes.options, "kind": kind, "apiVersion": "meta.k8s.io/v1"} if kind else None


def _typed(obj: Object | None, kind: tuple[str, str, str]) -> Object | None:
    if obj is None:
        return None
    group, version, name = kind
    return {"kind": name, "apiVersion": f"{group}/{version}" if group else version, **obj}


def verdict(body: bytes, uid: str, version: str, *, mutating: bool) -> Verdict:
    """What the answer says; raises BadAnswer. Of answers in v1beta1 less is asked, as ever."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"the answer is not JSON: {error}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise BadAnswer("webhook response was absent")
    response = answer["response"]
    if version == "v1":
        _check_v1(answer, uid, mutating=mutating)
    status = _of_type(response, "status", dict) or {}
    _of_type(status, "code", int, "status.code")
    _of_type(status, "details", dict, "status.details")
    return Verdict(
        bool(response.get("allowed")),
        status,
        _patch(response) if mutating else None,
        tuple(str(text) for text in _of_type(response, "warnings", list) or ()),
        {str(key): str(value) for key, value in (_of_type(response, "auditAnnotations", dict) or {}).items()},
    )


def _of_type(said: Object, field: str, wanted: type, shown: str = "") -> Any:
    """The field; None where it is absent. Raises BadAnswer for one of another type."""
    value = said.get(field)
    if value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
        raise BadAnswer(f"response.{shown or field} is no {_TYPES[wanted]}")
    return value


def _check_v1(answer: Object, uid: str, *, mutating: bool) -> None:
    response = answer["response"]
    if response.get("uid") != uid:
        raise BadAnswer(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    wanted, got = f"{_GROUP}/v1, Kind=AdmissionReview", f"{answer.get('apiVersion')}, Kind={answer.get('kind')}"
    if got != wanted:
        raise BadAnswer(f"expected webhook response of {wanted}, got {got}")
    patch, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        for field, value in (("patch", patch), ("patchType", kind)):
            if value:
                raise BadAnswer(f"validating webhook may not return response.{field}")
    elif patch and kind is None:
        raise BadAnswer("webhook returned response.patch but not response.patchType")
    elif kind is not None and not patch:
        raise BadAnswer("webhook returned response.patchType but not response.patch")
    elif kind == "":
        raise BadAnswer('webhook returned invalid response.patchType of ""')
    elif kind not in (None, "JSONPatch"):
        raise BadAnswer(f'unsupported patch type "{kind}"')


def _patch(response: Object) -> Sequence[Any] | None:
    encoded = response.get("patch")
    if not encoded:
        return None
    try:
        patch = orjson.loads(base64.b64decode(encoded, validate=True))
    except (TypeError, ValueError) as error:
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
