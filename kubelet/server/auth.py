"""Who may ask the kubelet: client certificates, bearer tokens by TokenReview, anonymous; and SubjectAccessReviews.

Verdicts of the API server are kept for a while, as the reference keeps them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from api.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from apimachinery.errors import ApiError
from client.rest import RestClient

logger = logging.getLogger(__name__)

_ALLOWED_SECONDS, _DENIED_SECONDS, _TOKEN_SECONDS = 300.0, 30.0, 120.0
_MOST_CACHED = 1000
_VERBS = {"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "HEAD": "get"}


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(slots=True)
class _Cache:
    entries: dict[Any, tuple[Any, float]] = field(default_factory=dict)

    def get(self, key: Any) -> Any:
        found = self.entries.get(key)
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def put(self, key: Any, value: Any, seconds: float) -> None:
        if len(self.entries) >= _MOST_CACHED:
            self.entries.clear()
        self.entries[key] = (value, time.monotonic() + seconds)


class KubeletAuth:
    """Authentication and authorization of requests to the kubelet."""

    def __init__(self, client: RestClient, node_name: str, *, anonymous: bool, tokens: bool, mode: str) -> None:
        """`tokens`: check bearer tokens at the API server; `mode`: AlwaysAllow or Webhook."""
        self._client = client
        self._node_name = node_name
        self._anonymous = anonymous
        self._tokens = tokens
        self._mode = mode
        self._users = _Cache()
        self._verdicts = _Cache()

    async def check(self, request: web.Request) -> None:
        """Raises HTTPUnauthorized or HTTPForbidden."""
        user = await self._authenticate(request)
        if user is None:
            raise web.HTTPUnauthorized(text="Unauthorized")
        if self._mode == "AlwaysAllow":
            return
        verb, subresource = _VERBS.get(request.method, "get"), subresource_of(request.path)
        if not await self._allowed(user, verb, subresource):
            text = f"Forbidden (user={user.name}, verb={verb}, resource=nodes, subresource={subresource})"
            raise web.HTTPForbidden(text=text)

    async def _authenticate(self, request: web.Request) -> User | None:
        certificate = request.transport.get_extra_info("peercert") if request.transport is not None else None
        if certificate:
            return user_of_certificate(certificate)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self._user_of_token(token.strip()) if self._tokens else None
        return ANONYMOUS if self._anonymous else None

    async def _user_of_token(self, token: str) -> User | None:
        key = hashlib.sha256(token.encode()).digest()
        known = self._users.get(key)
        if known is not None:
            return known if isinstance(known, User) else None
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        try:
            answer = await self._client.create(TOKEN_REVIEWS, review)
        except ApiError as error:
            logger.warning("A token could not be reviewed", extra={"error": str(error)})
            return None
        status = answer.get("status") or {}
        if not status.get("authenticated"):
            self._users.put(key, False, _DENIED_SECONDS)
            return None
        about = status.get("user") or {}
        user = User(about.get("username") or "", tuple(about.get("groups") or ()), about.get("uid") or "")
        self._users.put(key, user, _TOKEN_SECONDS)
        return user

    async def _allowed(self, user: User, verb: str, subresource: str) -> bool:
        key = (user, verb, subresource)
        known = self._verdicts.get(key)
        if known is not None:
            return bool(known)
        attributes = {
            "verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": self._node_name,
        }  # fmt: skip
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user.name, "groups": list(user.groups), "resourceAttributes": attributes},
        }
        try:
            answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, review)
        except ApiError as error:
            logger.warning("A request could not be authorized", extra={"error": str(error)})
            return False
        allowed = bool((answer.get("status") or {}).get("allowed"))
        self._verdicts.put(key, allowed, _ALLOWED_SECONDS if allowed else _DENIED_SECONDS)
        return allowed


def subresource_of(path: str) -> str:
    """The subresource of `nodes` that guards a path of the kubelet."""
    first = path.lstrip("/").split("/")[0]
    return {"stats": "stats", "metrics": "metrics", "logs": "log", "spec": "spec"}.get(first, "proxy")


def user_of_certificate(certificate: Mapping[str, Any]) -> User | None:
    """Common name and organizations of a verified client certificate."""
    name, groups = "", []
    for part in certificate.get("subject") or ():
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, (*groups, "system:authenticated")) if name else None
