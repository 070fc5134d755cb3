"""Clears away CertificateSigningRequests that have served their time; which ones says `expiry.py`."""

from __future__ import annotations

import logging

from api.resources import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.errors import Conflict, NotFound
from apimachinery.objects import name_of, uid_of
from controller.certificates.expiry import is_over
from controller.context import Context
from controller.loop import Controller

logger = logging.getLogger(__name__)
_PERIOD_SECONDS = 3600.0
_KEY = "all"


class Cleaner(Controller):
    """One key: every pass looks at all requests."""

    name = "certificate-cleaner"

    def __init__(self, context: Context) -> None:
        super().__init__(context, workers=1)
        self._requests = self.watch(CERTIFICATE_SIGNING_REQUESTS)
        self.queue.add(_KEY)

    async def sync(self, key: str) -> None:
        """One pass, and the next one queued."""
        self.queue.add_after(_KEY, _PERIOD_SECONDS)
        now = self.context.clock()
        for csr in self._requests.store.list():
            if not is_over(csr, now):
                continue
            logger.info("Clearing away request", extra={"csr": name_of(csr)})
            try:
                await self.client.delete(CERTIFICATE_SIGNING_REQUESTS, "", name_of(csr), uid=uid_of(csr))
            except (NotFound, Conflict):
                continue  # gone, or another one of that name
