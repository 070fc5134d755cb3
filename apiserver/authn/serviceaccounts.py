"""Service account tokens: verified against key, issuer, audience, time and the objects that they are bound to."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from api.resources import PODS, SECRETS, SERVICE_ACCOUNTS
from apimachinery.errors import Unauthorized
from apimachinery.meta import Resource
from apimachinery.objects import Object, parse_time, uid_of
from apiserver.authn import metrics
from apiserver.interfaces import Reader, UserInfo
from component.tokenkeys import VerificationKey

logger = logging.getLogger(__name__)

LEGACY_ISSUER = "kubernetes/serviceaccount"
_PREFIX = "system:serviceaccount:"
_LEGACY = "kubernetes.io/serviceaccount/"
_POD_NAME = "authentication.kubernetes.io/pod-name"
_POD_UID = "authentication.kubernetes.io/pod-uid"
#: A deleted object's tokens are honoured this long after its deletion was asked for (its containers may still stop).
_DELETION_LEEWAY_SECONDS = 60
_CLOCK_LEEWAY_SECONDS = 60


def user_name(namespace: str, name: str) -> str:
    """The user that a service account is."""
    return f"{_PREFIX}{namespace}:{name}"


def split_user_name(user: str) -> tuple[str, str] | None:
    """The (namespace, name) of a service account's user name."""
    if not user.startswith(_PREFIX):
        return None
    namespace, colon, name = user[len(_PREFIX) :].partition(":")
    if not colon or not namespace or not name or ":" in name:
        return None
    return namespace, name


def groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace."""
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}"


class ServiceAccountTokens:
    """Users by service account token."""

    def __init__(
        self, keys: Sequence[VerificationKey], issuers: Sequence[str], audiences: Sequence[str], reader: Reader,
        *, lookup: bool,
    ) -> None:  # fmt: skip
        self._keys = {key.key_id: key for key in keys}
        self._issuers = frozenset(issuers) | {LEGACY_ISSUER}
        self._audiences = frozenset(audiences)
        self._reader = reader
        self._lookup = lookup

    def user(self, token: str, wanted: Collection[str] = ()) -> tuple[UserInfo, list[str]] | None:
        """The user and the audiences that count, of those wanted (by default the API server's). None where the token
        is not one of ours at all; raises Unauthorized where it is, but is not good."""
        header = _header(token)
        if header is None:
            return None
        claims = self._verified(token, str(header.get("kid") or ""))
        if claims is None:
            return None
        audiences = self._matching_audiences(claims, wanted)
        if not audiences:
            raise _refused("token audiences are not among those wanted", claims)
        legacy = claims["iss"] == LEGACY_ISSUER
        return (self._legacy_user(claims) if legacy else self._bound_user(claims)), audiences

    def _verified(self, token: str, key_id: str) -> dict[str, Any] | None:
        """The claims, once issuer, signature and times have been checked; None for another issuer's token."""
        try:
            unverified = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return None
        if unverified.get("iss") not in self._issuers:
            return None
        known = self._keys.get(key_id)
        for key in [known] if known else self._keys.values():
            try:
                return jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    options={"verify_aud": False, "verify_iat": False},
                    leeway=_CLOCK_LEEWAY_SECONDS,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                raise _refused(str(error), unverified) from error
        raise _refused("no key verifies the signature", unverified)

    def _matching_audiences(self, claims: Mapping[str, Any], wanted: Collection[str]) -> list[str]:
        listed = claims.get("aud") or []
        own = [listed] if isinstance(listed, str) else list(listed)
        if claims["iss"] == LEGACY_ISSUER and not own:
            own = list(self._audiences)
        accepted = set(wanted) if wanted else self._audiences
        return [audience for audience in own if audience in accepted]

    def _bound_user(self, claims: Mapping[str, Any]) -> UserInfo:
        private = claims.get("kubernetes.io") or {}
        account = private.get("serviceaccount") or {}
        namespace, name, uid = private.get("namespace") or "", account.get("name") or "", account.get("uid") or ""
        if claims.get("sub") != user_name(namespace, name):
            raise _refused("subject does not match the service account", claims)
        self._check(SERVICE_ACCOUNTS, namespace, name, uid, claims)
        stale = datetime.now(UTC).timestamp() > (private.get("warnafter") or math.inf)
        (metrics.STALE_TOKENS if stale else metrics.VALID_TOKENS).inc()
        extra: dict[str, tuple[str, ...]] = {}
        for claim, resource in (("secret", SECRETS), ("pod", PODS)):
            bound = private.get(claim)
            if bound:
                self._check(resource, namespace, bound.get("name") or "", bound.get("uid") or "", claims)
        if private.get("pod"):
            extra = {_POD_NAME: (private["pod"]["name"],), _POD_UID: (private["pod"]["uid"],)}
        return UserInfo(user_name(namespace, name), uid, groups(namespace), extra)

    def _legacy_user(self, claims: Mapping[str, Any]) -> UserInfo:
        """Tokens in secrets of type kubernetes.io/service-account-token, good as long as the secret has them."""
        namespace = claims.get(f"{_LEGACY}namespace") or ""
        name = claims.get(f"{_LEGACY}service-account.name") or ""
        uid = claims.get(f"{_LEGACY}service-account.uid") or ""
        secret = claims.get(f"{_LEGACY}secret.name") or ""
        if not all((namespace, name, uid, secret)) or claims.get("sub") != user_name(namespace, name):
            raise _refused("claims are incomplete", claims)
        self._check(SERVICE_ACCOUNTS, namespace, name, uid, claims)
        if self._lookup:
            self._check(SECRETS, namespace, secret, "", claims)
        metrics.LEGACY_TOKENS.inc()
        return UserInfo(user_name(namespace, name), uid, groups(namespace))

    def _check(self, resource: Resource, namespace: str, name: str, uid: str, claims: Mapping[str, Any]) -> None:
        """The object exists, is the very one, and is not long deleted."""
        found = self._reader.get(resource, namespace, name)
        if found is None or (uid and uid_of(found) != uid):
            raise _refused(f"{resource.kind} {namespace}/{name} is gone", claims)
        if _long_deleted(found):
            raise _refused(f"{resource.kind} {namespace}/{name} is being deleted", claims)


def _long_deleted(obj: Object) -> bool:
    stamp = obj["metadata"].get("deletionTimestamp")
    if not stamp:
        return False
    return (datetime.now(UTC) - parse_time(stamp)).total_seconds() > _DELETION_LEEWAY_SECONDS


def _header(token: str) -> dict[str, Any] | None:
    if token.count(".") != 2:
        return None
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        return None


def _refused(why: str, claims: Mapping[str, Any]) -> Unauthorized:
    logger.info("Refused a service account token", extra={"subject": claims.get("sub"), "reason": why})
    return Unauthorized("Unauthorized")
