"""TokenRequest: tokens for a service account, bound to it and perhaps to a pod or secret, for a limited time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from api.resources import PODS, SECRETS
from apimachinery import errors
from apimachinery.errors import BadRequest
from apimachinery.fielderrors import FieldError
from apimachinery.fielderrors import invalid as invalid_field
from apimachinery.objects import Object, format_time, name_of, namespace_of, uid_of
from apimachinery.uids import new_uid
from apiserver.authn.serviceaccounts import user_name
from apiserver.interfaces import Loopback
from component.tokenkeys import SigningKey

_GROUP = "authentication.k8s.io"
_MIN_SECONDS = 600
_MAX_SECONDS = 1 << 32
_DEFAULT_SECONDS = 3600
#: What the projected volume of every pod asks for. Such tokens live a year and warn after this time, for clients that
#: do not read the file again.
_EXTENDABLE_SECONDS = 60 * 60 + 7
_EXTENDED_SECONDS = 365 * 24 * 60 * 60


class TokenIssuer:
    """Signs service account tokens."""

    def __init__(
        self, key: SigningKey, issuer: str, audiences: Sequence[str], loopback: Loopback, *, extend: bool,
        max_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        """`max_seconds`: --service-account-max-token-expiration, 0: no limit."""
        self._key = key
        self._issuer = issuer
        self._audiences = list(audiences)
        self._api = loopback
        self._extend = extend
        self._max_seconds = int(max_seconds)

    async def create(self, account: Object, request: Object) -> Object:
        """The TokenRequest with its status; raises Invalid, BadRequest, NotFound, Conflict."""
        spec = dict(request.get("spec") or {})
        spec["expirationSeconds"] = spec.get("expirationSeconds") or _DEFAULT_SECONDS
        problems = _validate(spec)
        if problems:
            raise errors.invalid(_GROUP, "TokenRequest", name_of(request), problems)
        _check_names(account, request)
        spec["audiences"] = spec.get("audiences") or list(self._audiences)
        spec["boundObjectRef"] = spec.get("boundObjectRef") or None
        if self._max_seconds and spec["expirationSeconds"] > self._max_seconds:
            spec["expirationSeconds"] = self._max_seconds
        bound = await self._bound_object(account, spec["boundObjectRef"])
        now = int(time.time())
        token = jwt.encode(
            self._claims(account, spec, bound, now), self._key.key, algorithm=self._key.algorithm,
            headers={"kid": self._key.key_id, "typ": None},
        )  # fmt: skip
        metadata = dict(request.get("metadata") or {})
        stamp = format_time(datetime.fromtimestamp(now, UTC))
        metadata |= {"name": name_of(account), "namespace": namespace_of(account), "creationTimestamp": stamp}
        expires = format_time(datetime.fromtimestamp(now + spec["expirationSeconds"], UTC))
        return {
            "kind": "TokenRequest",
            "apiVersion": f"{_GROUP}/v1",
            "metadata": metadata,
            "spec": spec,
            "status": {"token": token, "expirationTimestamp": expires},
        }

    def _claims(self, account: Object, spec: Object, bound: tuple[str, Object] | None, now: int) -> dict[str, Any]:
        namespace, name = namespace_of(account), name_of(account)
        private: dict[str, Any] = {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": uid_of(account)},
        }
        seconds = spec["expirationSeconds"]
        if bound is not None:
            kind, obj = bound
            private[kind] = {"name": name_of(obj), "uid": uid_of(obj)}
            ours = any(audience in self._audiences for audience in spec["audiences"])
            if self._extend and kind == "pod" and seconds == _EXTENDABLE_SECONDS and ours:
                private["warnafter"] = now + seconds
                seconds = _EXTENDED_SECONDS
        return {
            "aud": spec["audiences"],
            "exp": now + seconds,
            "iat": now,
            "nbf": now,
            "iss": self._issuer,
            "jti": new_uid(),
            "sub": user_name(namespace, name),
            "kubernetes.io": private,
        }

    async def _bound_object(self, account: Object, reference: Object | None) -> tuple[str, Object] | None:
        """("pod" or "secret", the object) that the token is to end with."""
        if reference is None:
            return None
        namespace = namespace_of(account)
        kind, version, name = (
            reference.get("kind") or "",
            reference.get("apiVersion") or "",
            reference.get("name") or "",
        )
        resource = {("Pod", "v1"): PODS, ("Secret", "v1"): SECRETS}.get((kind, version))
        if resource is None:
            raise BadRequest(f"cannot bind token to object of type {_gvk(kind, version)}")
        obj = await self._api.get_live(resource, namespace, name)
        if obj is None:
            raise errors.not_found("", resource.plural, name)
        if resource is PODS and (obj.get("spec") or {}).get("serviceAccountName") != name_of(account):
            raise BadRequest(
                f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with different '
                "serviceaccount name."
            )
        uid = reference.get("uid") or ""
        if uid and uid != uid_of(obj):
            why = (
                f"the UID in the bound object reference ({uid}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise errors.conflict("", resource.plural, name, why)
        return kind.lower(), obj


def _gvk(kind: str, version: str) -> str:
    group, _, plain = version.rpartition("/")
    return f"{group}/{plain}, Kind={kind}"


def _check_names(account: Object, request: Object) -> None:
    metadata = request.get("metadata") or {}
    if metadata.get("name") and metadata["name"] != name_of(account):
        raise BadRequest("the name of the object does not match the name on the URL")
    if metadata.get("namespace") and metadata["namespace"] != namespace_of(account):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def _validate(spec: Object) -> list[FieldError]:
    seconds = spec["expirationSeconds"]
    path = "spec.expirationSeconds"
    if seconds < _MIN_SECONDS:
        return [invalid_field(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > _MAX_SECONDS:
        return [invalid_field(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []
