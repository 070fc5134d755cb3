"""The ConversionReview that a webhook is sent, and the objects in its answer. Pure.

As k8s.io/apiextensions-apiserver/pkg/apiserver/conversion: an answer that does not hold as many objects as were sent,
of the version asked for, each with the same kind, name, namespace and uid, is no conversion. Of the metadata a webhook
may change labels and annotations; the rest of its answer's metadata is not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.validation.objectmeta import validate_annotations, validate_labels
from apimachinery.errors import ApiError
from apimachinery.fielderrors import go_quote
from apimachinery.objects import Object, deep_copy, name_of, namespace_of, uid_of

_GROUP = "apiextensions.k8s.io"
_KIND = "ConversionReview"
#: The versions of ConversionReview that are spoken here.
VERSIONS = ("v1", "v1beta1")


class ConversionError(ApiError):
    """An object could not be had in the version asked for: the reference answers 500 without a reason."""

    reason = ""


def chosen_version(accepted: Sequence[str]) -> str:
    """The first of conversionReviewVersions that is spoken here; raises ConversionError."""
    for version in accepted:
        if version in VERSIONS:
            return version
    raise ConversionError("no supported conversion review versions")


def request(objects: Sequence[Object], api_version: str, uid: str, version: str) -> Object:
    """The review that asks for `objects` in `api_version`."""
    return {
        "kind": _KIND,
        "apiVersion": f"{_GROUP}/{version}",
        "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)},
    }


def converted(body: bytes, objects: Sequence[Object], api_version: str, uid: str, version: str) -> list[Object]:
    """The answer's objects, in the order of `objects`; raises ConversionError."""
    subject = described(objects[0])
    answers = _answers(body, uid, version, subject)
    if len(answers) != len(objects):
        raise ConversionError(
            f"conversion webhook for {subject} returned {len(answers)} objects, expected {len(objects)}"
        )
    pairs = enumerate(zip(objects, answers, strict=True))
    return [_checked(was, made, api_version, index) for index, (was, made) in pairs]


def described(obj: Object) -> str:
    """ "stable.example.com/v1, Kind=CronTab"."""
    return f"{obj.get('apiVersion') or ''}, Kind={obj.get('kind') or ''}"


def failed(subject: str, why: str) -> ConversionError:
    """The error of a call that brought no objects."""
    return ConversionError(f"conversion webhook for {subject} failed: {why}")


def _answers(body: bytes, uid: str, version: str, subject: str) -> list[Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise failed(subject, f"the answer is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise failed(subject, "the answer is no object")
    said, wanted = described(answer), f"{_GROUP}/{version}, Kind={_KIND}"
    if version == "v1" and said != wanted:
        raise failed(subject, f"expected webhook response of {wanted}, got {said}")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise failed(subject, "no response provided")
    if version == "v1" and response.get("uid") != uid:
        raise failed(subject, f'expected response.uid="{uid}", got {go_quote(str(response.get("uid") or ""))}')
    result = response.get("result")
    result = result if isinstance(result, dict) else {}
    if result.get("status") != "Success":
        status = result.get("status") or ""
        raise failed(subject, str(result.get("message") or f"response.result.status was '{status}', not 'Success'"))
    objects = response.get("convertedObjects")
    return objects if isinstance(objects, list) else []


def _checked(was: Object, made: Any, api_version: str, index: int) -> Object:
    subject = f"conversion webhook for {described(was)}"
    bad = f"{subject} returned invalid object at index {index}"
    if not isinstance(made, dict):
        raise ConversionError(f"{bad}: it is no object")
    if made.get("apiVersion") != api_version:
        got = made.get("apiVersion") or ""
        raise ConversionError(f"{bad}: invalid groupVersion (expected {api_version}, received {got})")
    if made.get("kind") != was.get("kind"):
        raise ConversionError(f"{bad}: invalid kind (expected {was.get('kind')}, received {made.get('kind') or ''})")
    metadata = made.get("metadata")
    if "metadata" not in made:
        raise ConversionError(f"{subject} returned invalid metadata: missing metadata in converted object")
    if not isinstance(metadata, dict):
        raise ConversionError(f"{subject} returned invalid metadata: invalid metadata in converted object")
    for word, of in (("name", name_of), ("namespace", namespace_of), ("UID", uid_of)):
        before, after = of(was), of(made)
        if before != after:
            raise ConversionError(f"{subject} returned invalid object: must have the same {word}: {before} != {after}")
    return {**made, "metadata": _metadata(was.get("metadata") or {}, metadata, subject)}


def _metadata(was: Mapping[str, Any], made: Mapping[str, Any], subject: str) -> Object:
    """The former metadata with the answer's labels and annotations."""
    kept: Object = deep_copy(dict(was))
    for field in ("labels", "annotations"):
        wanted = made.get(field)
        if wanted is None:
            kept.pop(field, None)
            continue
        if problem := _problem(field, wanted, kept.get(field) or {}):
            raise ConversionError(f"{subject} returned invalid metadata: {problem}")
        kept[field] = wanted
    return kept


def _problem(field: str, wanted: Any, before: Mapping[str, Any]) -> str:
    if not isinstance(wanted, dict):
        return f"invalid metadata.{field} in converted object"
    for key, value in wanted.items():
        if not isinstance(value, str):
            return f"metadata.{field}[{key}] must be a string in converted object"
    if wanted == before:
        return ""
    validate = validate_labels if field == "labels" else validate_annotations
    problems = [str(problem) for problem in validate(wanted, f"metadata.{field}")]
    return problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]" if problems else ""
