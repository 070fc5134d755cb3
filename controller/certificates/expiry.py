"""When a CertificateSigningRequest has served its time and is cleared away. Pure."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

from apimachinery.objects import Object, parse_time
from controller.conditions import condition_of

#: Since it was decided, or failed, or since the certificate was written.
_DECIDED = timedelta(hours=1)
#: Since it was made, where nobody has decided.
_PENDING = timedelta(hours=24)


def is_over(csr: Object, now: datetime) -> bool:
    """Whether the request is old enough to go: an hour after Approved, Denied or Failed, a day where nobody decided,
    and at once where the certificate issued for it has expired."""
    if _certificate_expired(csr, now):
        return True
    decided = False
    for type in ("Approved", "Denied", "Failed"):
        condition = condition_of(csr, type)
        if condition is None:
            continue
        decided = True
        since = condition.get("lastUpdateTime")
        if since and now - parse_time(since) > _DECIDED:
            return True
    made = csr["metadata"].get("creationTimestamp")
    return not decided and bool(made) and now - parse_time(made) > _PENDING


def _certificate_expired(csr: Object, now: datetime) -> bool:
    encoded = (csr.get("status") or {}).get("certificate")
    if not encoded or condition_of(csr, "Approved") is None:
        return False
    from cryptography import x509  # only clusters that sign certificates load it

    try:
        certificate = x509.load_pem_x509_certificate(base64.b64decode(encoded))
    except (ValueError, binascii.Error):
        return False  # what some other signer wrote is not ours to judge
    return certificate.not_valid_after_utc < now
