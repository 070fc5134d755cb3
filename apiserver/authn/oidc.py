"""ID tokens of an OpenID Connect provider: signed by its keys, for our client, its claims turned into a user.

Rules: kubernetes.io/docs/reference/access-authn-authz/authentication, "OpenID Connect Tokens"; OpenID Connect Core 1.0,
section 3.1.3.7. The provider's keys are fetched when they are first needed and when a token names an unknown one."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
import orjson

from apimachinery.errors import Unauthorized
from apiserver.interfaces import UserInfo
from apiserver.webhooks.answers import read_at_most
from apiserver.webhooks.reasons import reason_of

logger = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"})
_FETCH_SECONDS = 30.0
_AGAIN_SECONDS = 10.0  #: the shortest time between two fetches of the keys
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What the --oidc-* flags say."""

    issuer: str
    client_id: str
    ca_file: str = ""
    username_claim: str = "sub"
    username_prefix: str = ""  #: "-": none; "": the issuer's URL and "#", but none for the claim "email"
    groups_claim: str = ""
    groups_prefix: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    required: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises ValueError with one line where the flags make no sense."""
        if not self.issuer or not self.client_id:
            raise ValueError("oidc-issuer-url and oidc-client-id must be specified together")
        if not self.issuer.startswith("https://"):
            raise ValueError(f"oidc-issuer-url: {self.issuer!r} has an invalid scheme, require 'https'")
        unknown = sorted(set(self.algorithms) - ALGORITHMS)
        if unknown:
            raise ValueError(f"oidc-signing-algs: unsupported signing alg: {', '.join(unknown)}")


class OidcTokens:
    """Users by ID token."""

    def __init__(self, provider: Provider) -> None:
        """Raises ValueError with one line."""
        provider.check()
        self._provider = provider
        try:
            self._context = ssl.create_default_context(cafile=provider.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"oidc-ca-file {provider.ca_file}: {error}") from error
        self._session: aiohttp.ClientSession | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._fetching = asyncio.Lock()

    async def user(self, token: str) -> UserInfo | None:
        """The user; None for tokens of others; raises Unauthorized for one of this issuer that is no good."""
        try:
            head, said = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return None
        if said.get("iss") != self._provider.issuer:
            return None
        try:
            key = await self._key(str(head.get("kid") or ""))
            claims = jwt.decode(
                token, key.key, algorithms=list(self._provider.algorithms), audience=self._provider.client_id,
                issuer=self._provider.issuer, options={"require": ["exp", "iss", "aud"]},
            )  # fmt: skip
            return user_of(claims, self._provider)
        except (jwt.InvalidTokenError, jwt.PyJWKError, ValueError) as error:
            logger.info("An ID token is refused", extra={"error": str(error)})
            raise Unauthorized("Unauthorized") from error

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys:
            async with self._fetching:  # whoever comes meanwhile waits for the keys too
                if key_id not in self._keys and time.monotonic() >= self._fetched + _AGAIN_SECONDS:
                    try:
                        self._keys = await self._fetch()
                    except ValueError:
                        self._fetched = time.monotonic()
                        raise
                    self._fetched = time.monotonic()
        if key_id in self._keys:
            return self._keys[key_id]
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        raise ValueError(f"no key {key_id!r} of the issuer is known")

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        issuer = self._provider.issuer
        about = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != issuer:
            raise ValueError(f"oidc: issuer did not match the issuer returned by provider: {about.get('issuer')!r}")
        uri = about.get("jwks_uri")
        if not isinstance(uri, str) or not uri.startswith("https://"):
            raise ValueError("the provider names no keys")
        listed = (await self._get(uri)).get("keys") or ()
        found = {}
        for key in listed:
            try:
                found[str(key.get("kid") or "")] = jwt.PyJWK.from_dict(key)
            except (jwt.PyJWKError, jwt.InvalidKeyError):
                continue  # of a kind that is not for signatures we take
        return found

    async def _get(self, url: str) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FETCH_SECONDS))
        try:
            async with self._session.get(url, ssl=self._context) as answer:
                body = await read_at_most(answer, _MAX_BYTES)
        except (aiohttp.ClientError, OSError) as error:
            raise ValueError(f'Get "{url}": {reason_of(error)}') from error
        if answer.status != 200:
            raise ValueError(f'Get "{url}": status {answer.status}')
        decoded = orjson.loads(body)
        if not isinstance(decoded, dict):
            raise ValueError(f'Get "{url}": not an object')
        return decoded

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def user_of(claims: Mapping[str, Any], provider: Provider) -> UserInfo:
    """The user that verified claims mean; raises ValueError. Pure."""
    name = claims.get(provider.username_claim)
    if not isinstance(name, str) or not name:
        raise ValueError(f"oidc: parse username claims {provider.username_claim!r}: claim not present")
    if provider.username_claim == "email" and claims.get("email_verified", True) is not True:
        raise ValueError("oidc: email not verified")
    for claim, value in provider.required.items():
        if claims.get(claim) != value:
            raise ValueError(f"oidc: required claim {claim} value does not match")
    return UserInfo(_prefix(provider) + name, groups=_groups(claims, provider))


def _prefix(provider: Provider) -> str:
    if provider.username_prefix == "-":
        return ""
    if provider.username_prefix or provider.username_claim == "email":
        return provider.username_prefix
    return f"{provider.issuer}#"


def _groups(claims: Mapping[str, Any], provider: Provider) -> tuple[str, ...]:
    said = claims.get(provider.groups_claim) if provider.groups_claim else None
    listed: Sequence[Any] = [said] if isinstance(said, str) else said or []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ValueError(f"oidc: parse groups claim {provider.groups_claim!r}: not a list of strings")
    return tuple(provider.groups_prefix + each for each in listed)
