"""Keeps one certificate of the kubelet valid: asks for the next one in time, keeps it, and puts it to use."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apimachinery.errors import ApiError
from client.rest import RestClient
from kubelet import metrics
from kubelet.certificates.asking import AnotherRequest, ask
from kubelet.certificates.store import CertificateStore
from kubelet.plan.certificates import Purpose, RequestRefused, renewal_time

logger = logging.getLogger(__name__)
_WAIT_SECONDS = 900.0
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 2.0, 128.0
#: The clock may be set, and a node's addresses change: no longer than this is slept at a time.
_LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the certificate is to say."""

    common_name: str
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()


class CertificateRotation:
    """One purpose. `wanted` gives what the certificate is to say, None while that is not known; `put_to_use` is called
    with the file of certificate and key, at the start where there is one, and after each renewal."""

    def __init__(
        self,
        client: RestClient,
        purpose: Purpose,
        store: CertificateStore,
        wanted: Callable[[], Wanted | None],
        put_to_use: Callable[[Path], Awaitable[None]],
    ) -> None:
        self._client = client
        self._purpose = purpose
        self._store = store
        self._wanted = wanted
        self._put_to_use = put_to_use
        # Differs between nodes, so that those that joined together do not renew together; nothing secret.
        self._fraction = random.random()

    async def run(self) -> None:
        """Renew until cancelled."""
        retry = _FIRST_RETRY_SECONDS
        try:
            if await asyncio.to_thread(self._store.read):
                await self._put_to_use(self._store.current)
        except (
            OSError,
            ValueError,
        ) as error:  # of ssl as well: a damaged file must not end the kubelet, but be replaced
            logger.warning("Certificate cannot be used", extra={"file": self._store.current, "error": str(error)})
        while True:
            left = await self._seconds_left()
            if left > 0:
                await asyncio.sleep(min(left, _LOOK_SECONDS))
                continue
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await self._renew()
            except (ApiError, RequestRefused, AnotherRequest, OSError, ValueError, TimeoutError) as error:
                metrics.CERTIFICATE_RENEWAL_ERRORS[self._purpose.name].inc()
                logger.warning(
                    "Certificate not renewed",
                    extra={"purpose": self._purpose.name, "error": str(error) or type(error).__name__},
                )
                await asyncio.sleep(retry)
                retry = min(retry * 2, _LAST_RETRY_SECONDS)
            else:
                retry = _FIRST_RETRY_SECONDS

    async def _seconds_left(self) -> float:
        """Until the next certificate is to be asked for; not more than 0: now."""
        wanted = self._wanted()
        if wanted is None:
            return _LOOK_SECONDS
        try:
            return await asyncio.to_thread(self._left_of_current, wanted)
        except (OSError, ValueError) as error:
            logger.warning("Certificate cannot be read", extra={"file": self._store.current, "error": str(error)})
            return 0.0

    def _left_of_current(self, wanted: Wanted) -> float:
        from kubelet.certificates import keys

        pem = self._store.read()
        if not pem or keys.names(pem) != (sorted(wanted.dns), sorted(wanted.ips)):
            return 0.0
        start, end = keys.validity(pem)
        now = datetime.now(UTC)
        metrics.CERTIFICATE_SECONDS_LEFT[self._purpose.name].set((end - now) / timedelta(seconds=1))
        return (renewal_time(start, end, self._fraction) - now).total_seconds()

    async def _renew(self) -> None:
        wanted = self._wanted()
        if wanted is None:
            return
        key, request = await asyncio.to_thread(_new_request, wanted)
        certificate = await ask(self._client, self._purpose, request)
        await asyncio.to_thread(self._store.write, certificate, key, datetime.now(UTC))
        await self._put_to_use(self._store.current)
        logger.info("Certificate renewed", extra={"purpose": self._purpose.name, "file": self._store.current})


def _new_request(wanted: Wanted) -> tuple[bytes, bytes]:
    from kubelet.certificates import keys

    key = keys.new_key()
    return key, keys.new_request(key, wanted.common_name, wanted.dns, wanted.ips)
