"""A webhook that a kubeconfig file names: authentication, authorization and audit ask and tell theirs by it."""

from __future__ import annotations

import asyncio
import random

import aiohttp
import orjson

from apimachinery.objects import Object
from apiserver.servercertificates import OF_WEBHOOK
from apiserver.webhooks.answers import read_at_most
from apiserver.webhooks.reasons import reason_of
from client import kubeconfig
from client.rest import ClientConfig

_TRIES = 5
_FIRST_WAIT_SECONDS, _FACTOR, _JITTER = 0.5, 1.5, 0.2
_CALL_SECONDS = 30.0
_MAX_BYTES = 1 << 20


class WebhookFailed(Exception):
    """No good answer came."""


class KubeconfigWebhook:
    """Posts JSON to the server of the file's current context."""

    def __init__(self, path: str) -> None:
        """Raises ValueError with one line where the file is no good."""
        self._config: ClientConfig = kubeconfig.load(path)
        if self._config.ssl_context is not None:
            self._config.ssl_context.sslobject_class = OF_WEBHOOK
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, body: Object, *, tries: int = _TRIES, first_wait_seconds: float = _FIRST_WAIT_SECONDS
    ) -> Object:
        """The decoded answer ({} where there is none); tried again where the server does not answer or fails itself.

        Raises WebhookFailed."""
        wait = first_wait_seconds
        for attempt in range(tries):
            try:
                return await self._post(body)
            except (aiohttp.ClientError, OSError) as error:
                if attempt == tries - 1:
                    raise WebhookFailed(f'Post "{self._config.server}": {reason_of(error)}') from error
            await asyncio.sleep(wait * (1 + _JITTER * random.random()))
            wait *= _FACTOR
        raise WebhookFailed("never tried")

    async def _post(self, body: Object) -> Object:
        config = self._config
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if config.token:
            headers["Authorization"] = f"Bearer {config.token}"
        elif config.username:
            headers["Authorization"] = aiohttp.encode_basic_auth(config.username, config.password)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS))
        async with self._session.post(
            config.server, data=orjson.dumps(body), headers=headers, ssl=config.ssl_context or True,
            server_hostname=config.server_hostname or None, allow_redirects=False,
        ) as answer:  # fmt: skip
            try:
                content = await read_at_most(answer, _MAX_BYTES)
            except ValueError as error:
                raise WebhookFailed(str(error)) from error
        if answer.status >= 500 or answer.status == 429:
            raise aiohttp.ClientError(f"status {answer.status}")
        if not 200 <= answer.status < 300:
            raise WebhookFailed(f"status {answer.status}")
        if not content:
            return {}
        try:
            decoded = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise WebhookFailed(f"the answer is not JSON: {error}") from error
        if not isinstance(decoded, dict):
            raise WebhookFailed("the answer is not an object")
        return decoded

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None
