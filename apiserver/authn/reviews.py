"""TokenReview and SelfSubjectReview: who a token, or the caller, is."""

from __future__ import annotations

from datetime import UTC, datetime

from apimachinery.errors import BadRequest, Unauthorized
from apimachinery.objects import Object, format_time
from apiserver.authn.tokens import TokenAuthenticator
from apiserver.interfaces import Attributes, UserInfo


def user_object(user: UserInfo) -> Object:
    """authentication/v1 UserInfo."""
    fields = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(value) for key, value in user.extra.items()},
    }
    return {key: value for key, value in fields.items() if value}


class AuthenticationReviews:
    """Answers reviews."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        self._tokens = tokens

    async def token_review(self, attributes: Attributes, review: Object) -> Object:
        """The TokenReview with its status; raises BadRequest where no token is given."""
        spec = review.get("spec") or {}
        token = spec.get("token") or ""
        if not token:
            raise BadRequest("token is required for TokenReview in authentication")
        status: Object = {"user": {}}
        try:
            found = await self._tokens.review(token, spec.get("audiences") or ())
        except Unauthorized:
            found = None
        if found is None:
            status["error"] = "[invalid bearer token, token lookup failed]"
        else:
            user, audiences = found
            status = {"authenticated": True, "user": user_object(user)}
            if audiences:
                status["audiences"] = list(audiences)
        metadata = {"creationTimestamp": None, **(review.get("metadata") or {})}
        return {**review, "metadata": metadata, "spec": spec, "status": status}

    async def self_subject_review(self, attributes: Attributes, review: Object) -> Object:
        """The SelfSubjectReview with the caller's own user."""
        stamp = format_time(datetime.now(UTC))
        metadata = {**(review.get("metadata") or {}), "creationTimestamp": stamp}
        return {**review, "metadata": metadata, "status": {"userInfo": user_object(attributes.user)}}
