"""Signs approved requests of one built-in signer with its CA (--cluster-signing-*-cert-file, -key-file)."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

from api.resources import CERTIFICATE_SIGNING_REQUESTS
from apimachinery.objects import Object, format_time
from controller.certificates.states import awaits_signature
from controller.context import Context
from controller.loop import Controller, RetryLater


class Signer(Controller):
    """Keys are names of CertificateSigningRequests. The CA's files are read for each signature: they may be renewed."""

    def __init__(
        self, context: Context, *, name: str, signer: str, certificate_file: str, key_file: str, longest: timedelta
    ) -> None:
        """`signer` is the spec.signerName served; `longest` is --cluster-signing-duration."""
        self.name = name
        super().__init__(context, workers=1)
        self._signer = signer
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._longest = longest
        self._requests = self.watch(CERTIFICATE_SIGNING_REQUESTS)
        self._requests.on_change(self.enqueue_changed)

    async def sync(self, key: str) -> None:
        """Sign where it is approved and fit, else say in a condition Failed why not."""
        csr = self._requests.store.get(key)
        if csr is None or not awaits_signature(csr, self._signer):
            return
        from controller.certificates.rules import UnfitRequest  # loads cryptography, with the first such request
        from controller.certificates.signing import AuthorityError

        try:
            certificate = await asyncio.to_thread(self._sign, csr)
        except UnfitRequest as error:
            await self._write(csr, {"conditions": self._failed(csr, str(error))})
            return
        except AuthorityError as error:
            raise RetryLater(str(error)) from error
        await self._write(csr, {"certificate": base64.b64encode(certificate).decode()})

    def _sign(self, csr: Object) -> bytes:
        from controller.certificates import rules, signing

        spec = csr["spec"]
        request, usages = rules.parse(csr), spec.get("usages") or ()
        rules.check(self._signer, request, usages)
        authority = signing.load_authority(self._certificate_file, self._key_file)
        lasting = signing.validity(spec.get("expirationSeconds"), self._longest)
        now, serial = self.context.clock(), signing.random_serial()
        return signing.sign(authority, request, usages, lasting, now=now, serial=serial)

    def _failed(self, csr: Object, message: str) -> list[Object]:
        now = format_time(self.context.clock())
        condition = {
            "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": message,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        return [*(csr.get("status") or {}).get("conditions", ()), condition]

    async def _write(self, csr: Object, changed: Object) -> None:
        status = {**(csr.get("status") or {}), **changed}
        await self.client.update(CERTIFICATE_SIGNING_REQUESTS, {**csr, "status": status}, subresource="status")
