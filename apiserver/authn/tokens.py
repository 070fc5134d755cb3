"""Bearer tokens of every kind, tried one after the other; what was found is remembered for ten seconds.

A remembered success is what keeps signatures from being verified on every request; its price is the same as in the
reference: a revoked token may work that much longer."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Mapping

from apimachinery.errors import Unauthorized
from apiserver.authn import metrics
from apiserver.authn.bootstraptoken import BootstrapTokens
from apiserver.authn.headers import bearer_token
from apiserver.authn.membership import with_authenticated
from apiserver.authn.oidc import OidcTokens
from apiserver.authn.serviceaccounts import ServiceAccountTokens
from apiserver.authn.webhook import WebhookTokens
from apiserver.interfaces import Credentials, UserInfo

_KEPT_SECONDS = 10.0
_KEPT = 4096

Found = tuple[UserInfo, tuple[str, ...]]


class TokenAuthenticator:
    """Users by bearer token."""

    def __init__(
        self,
        static: Mapping[str, UserInfo],
        accounts: ServiceAccountTokens | None,
        bootstrap: BootstrapTokens | None,
        audiences: Collection[str],
        *,
        oidc: OidcTokens | None = None,
        webhook: WebhookTokens | None = None,
    ) -> None:
        self._static = static
        self._accounts = accounts
        self._bootstrap = bootstrap
        self._audiences = tuple(audiences)
        self._oidc = oidc
        self._webhook = webhook
        self._secret = os.urandom(32)
        self._found: dict[bytes, tuple[float, Found]] = {}

    async def authenticate(self, credentials: Credentials) -> UserInfo | None:
        """The user; None where no token was sent; raises Unauthorized for one that nobody knows."""
        token = bearer_token(credentials.headers)
        if token is None:
            return None
        found = await self.review(token)
        if found is None:
            raise Unauthorized("Unauthorized")
        return found[0]

    async def review(self, token: str, audiences: Collection[str] = ()) -> Found | None:
        """The user of a token, a member of system:authenticated, and which of `audiences` (default: the server's own)
        it is for; raises Unauthorized."""
        started = time.perf_counter()
        # Keyed: what is remembered tells nobody a token. An HMAC, by way of OpenSSL, costs more than twice this.
        key = hashlib.blake2b("\0".join((token, *audiences)).encode(), digest_size=32, key=self._secret).digest()
        now = time.monotonic()
        kept = self._found.get(key)
        if kept is not None and now < kept[0]:
            metrics.HIT_SECONDS.observe(time.perf_counter() - started)
            return kept[1]
        with metrics.LookUp(started):
            found = await self._look_up(token, audiences)
        if found is None:
            return None
        known = (with_authenticated(found[0]), found[1])
        if len(self._found) >= _KEPT:
            self._found.clear()
        self._found[key] = (now + _KEPT_SECONDS, known)
        return known

    async def _look_up(self, token: str, audiences: Collection[str]) -> Found | None:
        refused: Unauthorized | None = None
        # Other tokens say nothing of audiences: they are good for the server's own.
        own = tuple(item for item in audiences if item in self._audiences) if audiences else self._audiences
        static = self._static.get(token)
        if static is not None:
            return (static, own) if own or not audiences else None
        if self._accounts is not None:
            try:
                account = self._accounts.user(token, audiences)
            except Unauthorized as error:
                refused = error
            else:
                if account is not None:
                    return account[0], tuple(account[1])
        user = self._bootstrap.user(token) if self._bootstrap is not None else None
        if user is not None and (own or not audiences):
            return user, own
        found, others_refused = await self._ask_others(token, own, audiences)
        if found is not None:
            return found
        refused = refused or others_refused
        if refused is not None:
            raise refused
        return None

    async def _ask_others(
        self, token: str, own: tuple[str, ...], audiences: Collection[str]
    ) -> tuple[Found | None, Unauthorized | None]:
        """What an identity provider or a webhook says of a token that is none of ours."""
        refused: Unauthorized | None = None
        if self._oidc is not None and (own or not audiences):
            try:
                user = await self._oidc.user(token)
            except Unauthorized as error:
                refused = error
            else:
                if user is not None:
                    return (user, own), None
        if self._webhook is not None:
            try:
                return await self._webhook.user(token, audiences or self._audiences), refused
            except Unauthorized as error:
                refused = error
        return None, refused

    async def close(self) -> None:
        """Give connections to others back."""
        for each in (self._oidc, self._webhook):
            if each is not None:
                await each.close()
