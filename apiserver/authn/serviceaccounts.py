"""Service account tokens: verified against key, issuer, audience, time and the objects that they are bound to."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from api.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from apimachinery.errors import Unauthorized
from apimachinery.meta import Resource
from apimachinery.objects import Object, parse_time, uid_of
from apiserver.authn.keys import VerificationKey
from apiserver.interfaces import Reader, UserInfo

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
                    token, key.key, algorithms=[key.algorithm], options={"verify_aud": False, "verify_iat": False},
                    leeway=_CLOCK_LEEWAY_SECONDS,
                )  # fmt: skip
