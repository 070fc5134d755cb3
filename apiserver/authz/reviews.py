"""SubjectAccessReview, its Self and Local forms, and SelfSubjectRulesReview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.gosyntax import object_meta, struct
from apimachinery import errors
from apimachinery.fielderrors import FieldError, GoSyntax, go_quote
from apimachinery.fielderrors import invalid as invalid_field
from apimachinery.objects import Object
from apiserver.authz.rules import Rule
from apiserver.interfaces import Attributes, Decision, UserInfo

if TYPE_CHECKING:
    from apiserver.authz import Authorization

_GROUP = "authorization.k8s.io"


class AuthorizationReviews:
    """Answers reviews by asking the authorizer itself."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    async def subject_access_review(self, attributes: Attributes, review: Object) -> Object:
        """Whether the user that the review names may do what it names; raises Invalid."""
        problems = _check_attributes(review) + _check_subject(review) + _check_metadata(review)
        return await self._access_review(review, _subject(review), problems)

    async def self_subject_access_review(self, attributes: Attributes, review: Object) -> Object:
        """Whether the caller may; raises Invalid."""
        problems = _check_attributes(review) + _check_metadata(review)
        return await self._access_review(review, attributes.user, problems)

    async def local_subject_access_review(self, attributes: Attributes, review: Object) -> Object:
        """As SubjectAccessReview, within one namespace; raises Invalid."""
        problems = _check_attributes(review) + _check_subject(review) + _check_metadata(review, local=True)
        spec = review.get("spec") or {}
        namespace = (review.get("metadata") or {}).get("namespace") or attributes.namespace
        resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if resource is not None and (resource.get("namespace") or "") != namespace:
            text, wanted = "must match metadata.namespace", resource.get("namespace") or ""
            problems.append(invalid_field("spec.resourceAttributes.namespace", wanted, text))
        if other is not None:
            text = "disallowed on this kind of request"
            problems.append(invalid_field("spec.nonResourceAttributes", _shown(other), text))
        return await self._access_review(review, _subject(review), problems)

    async def self_subject_rules_review(self, attributes: Attributes, review: Object) -> Object:
        """What the caller may do in a namespace; raises BadRequest without one."""
        namespace = (review.get("spec") or {}).get("namespace") or ""
        if not namespace:
            raise errors.BadRequest("no namespace on request")
        rules, incomplete = self._authorization.rules_for(attributes.user, namespace)
        status: Object = {
            "resourceRules": [_with_verbs(rule) for rule in rules if not rule.paths],
            "nonResourceRules": [_with_verbs(rule) for rule in rules if rule.paths],
            "incomplete": bool(incomplete),
        }
        if incomplete:
            status["evaluationError"] = incomplete
        return _answered(review, status)

    async def _access_review(self, review: Object, user: UserInfo, problems: list[FieldError]) -> Object:
        if problems:
            # The reference leaves the kind out of this one's text.
            raise errors.invalid(_GROUP, "", "", problems)
        decision, reason = await self._authorization.authorize(_question(review["spec"], user))
        status: Object = {"allowed": decision is Decision.ALLOW}
        if decision is Decision.DENY:
            status["denied"] = True
        if reason:
            status["reason"] = reason
        return _answered(review, status)


def _answered(review: Object, status: Object) -> Object:
    metadata = {"creationTimestamp": None, **(review.get("metadata") or {})}
    return {**review, "metadata": metadata, "status": status}


def _with_verbs(rule: Rule) -> Object:
    return {"verbs": [], **rule.as_object()}


def _question(spec: Object, user: UserInfo) -> Attributes:
    wanted: dict[str, Any] = spec.get("resourceAttributes") or {}
    if not wanted:
        other = spec.get("nonResourceAttributes") or {}
        return Attributes(user=user, verb=other.get("verb") or "", path=other.get("path") or "", is_resource=False)
    return Attributes(
        user=user, verb=wanted.get("verb") or "", path="", group=wanted.get("group") or "",
        version=wanted.get("version") or "*", resource=wanted.get("resource") or "",
        subresource=wanted.get("subresource") or "", namespace=wanted.get("namespace") or "",
        name=wanted.get("name") or "",
    )  # fmt: skip


def _subject(review: Object) -> UserInfo:
    spec = review.get("spec") or {}
    extra = {str(key).lower(): tuple(value or ()) for key, value in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _check_attributes(review: Object) -> list[FieldError]:
    spec = review.get("spec") or {}
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    if resource is not None and other is not None:
        both = "cannot be specified in combination with resourceAttributes"
        return [invalid_field("spec.nonResourceAttributes", _shown(other), both)]
    if resource is None and other is None:
        return [invalid_field("spec.resourceAttributes", "null", text)]
    return []


def _shown(attributes: Object) -> GoSyntax:
    path, verb = (go_quote(attributes.get(field) or "") for field in ("path", "verb"))
    return struct("authorization.NonResourceAttributes", Path=path, Verb=verb)


def _check_metadata(review: Object, *, local: bool = False) -> list[FieldError]:
    """A question has no name, and nothing else of an object; a local one has the namespace that it is about."""
    ignored = {"managedFields", "creationTimestamp", *(["namespace"] if local else [])}
    metadata = review.get("metadata") or {}
    if not any(value for field, value in metadata.items() if field not in ignored):
        return []
    text = "must be empty except for namespace" if local else "must be empty"
    return [invalid_field("metadata", object_meta(metadata), text)]


def _check_subject(review: Object) -> list[FieldError]:
    spec = review.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        return [invalid_field("spec.user", "", "at least one of user or group must be specified")]
    return []
