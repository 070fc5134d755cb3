"""Fills Secrets of type kubernetes.io/service-account-token, and deletes those whose account is gone."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from api.resources import SECRETS, SERVICE_ACCOUNTS
from apimachinery.errors import Conflict, NotFound
from apimachinery.objects import Object, key_of, name_of, namespace_of, split_key, uid_of
from controller.context import Context
from controller.loop import Controller, RetryLater
from controller.serviceaccounttoken.plan import TYPE, account_name, filled, is_stale

logger = logging.getLogger(__name__)
_BY_ACCOUNT = "service-account"


class ServiceAccountTokenController(Controller):
    """Keys are "namespace/name" of Secrets."""

    name = "serviceaccount_tokens_secret"

    def __init__(self, context: Context, *, key_file: str, root_ca: bytes, workers: int = 5) -> None:
        """`key_file` holds the key that signs; it is read with the first token: most clusters never sign one."""
        super().__init__(context, workers=workers)
        self._key_file = key_file
        self._root_ca = root_ca
        self._accounts = self.watch(SERVICE_ACCOUNTS)
        self._secrets = context.informers.informer(SECRETS, field_selector=f"type={TYPE}")
        self._informers.append(self._secrets)
        self._secrets.add_index(_BY_ACCOUNT, lambda secret: (f"{namespace_of(secret)}/{account_name(secret)}",))
        self._secrets.on_change(self.enqueue_changed)
        self._accounts.on_change(self._account_changed)

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        account = new if new is not None else old
        if account is not None and (old is None or new is None or uid_of(old) != uid_of(new)):
            for secret in self._secrets.store.by_index(_BY_ACCOUNT, key_of(account)):
                self.enqueue(secret)

    async def sync(self, key: str) -> None:
        """Fill the Secret, or delete it."""
        secret = self._secrets.store.get(key)
        if secret is None or not account_name(secret):
            return
        account = await self._account(secret)
        if is_stale(secret, account) or account is None:
            await self._delete(secret)
            return
        try:
            changed = await asyncio.to_thread(filled, secret, account, self._root_ca, self._sign)
        except ValueError as error:
            raise RetryLater(str(error)) from error
        if changed is not None:
            await self.client.update(SECRETS, changed)

    async def _account(self, secret: Object) -> Object | None:
        """The Secret's account; where the cache has none, the server is asked: it may just have been made."""
        namespace, name = namespace_of(secret), account_name(secret)
        account = self._accounts.store.get(f"{namespace}/{name}")
        if not is_stale(secret, account):
            return account
        try:
            return await self.client.get(SERVICE_ACCOUNTS, namespace, name)
        except NotFound:
            return None

    async def _delete(self, secret: Object) -> None:
        logger.info("Deleting token of an account that is gone", extra={"secret": key_of(secret)})
        namespace, name = split_key(key_of(secret))
        try:
            await self.client.delete(
                SECRETS, namespace, name, uid=uid_of(secret), resource_version=secret["metadata"]["resourceVersion"]
            )
        except (NotFound, Conflict):
            logger.debug("Token changed meanwhile", extra={"secret": name_of(secret)})

    def _sign(self, claims: dict[str, Any]) -> str:
        import jwt  # both load cryptography, with the first token

        from component.tokenkeys import load_signing_key

        key = load_signing_key(self._key_file)
        return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.key_id})
