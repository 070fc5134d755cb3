"""Client certificates: the subject's common name is the user, its organisations are the groups.

TLS has verified the chain against the CAs it was given; where several were given, this decides by which one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from apimachinery.errors import Unauthorized
from apiserver.http.metrics import CERTIFICATE_EXPIRATIONS
from apiserver.interfaces import Credentials, UserInfo

logger = logging.getLogger(__name__)
_REMEMBERED = 1024


def load_authorities(path: str) -> tuple[x509.Certificate, ...]:
    """The CA certificates of a PEM file; raises ValueError with one line."""
    try:
        found = tuple(x509.load_pem_x509_certificates(Path(path).read_bytes()))
    except OSError as error:
        raise ValueError(f"cannot read CA file {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} holds no PEM certificate") from error
    return found


class PeerCertificates:
    """Decodes peer certificates and says whether one of some authorities issued them."""

    def __init__(self, authorities: Sequence[x509.Certificate], *, only: bool) -> None:
        """`only`: TLS verifies against these authorities and no others, so a verified peer is theirs, by an
        intermediate too."""
        self._authorities = tuple(authorities)
        self._only = only
        self.subject = lru_cache(maxsize=_REMEMBERED)(self._subject)

    def _subject(self, der: bytes) -> tuple[str, tuple[str, ...], datetime] | None:
        """(common name, organisations, end of validity); None for a certificate of other authorities."""
        certificate = x509.load_der_x509_certificate(der)
        if not self._only and not any(_issued(certificate, authority) for authority in self._authorities):
            return None
        subject = certificate.subject
        names = [str(item.value) for item in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        groups = tuple(str(item.value) for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
        # The last common name counts, as in Go's crypto/x509.
        return names[-1] if names else "", groups, certificate.not_valid_after_utc


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


class X509Authenticator:
    """Users by client certificate."""

    def __init__(self, peers: PeerCertificates) -> None:
        self._peers = peers

    async def authenticate(self, credentials: Credentials) -> UserInfo | None:
        """The user of the peer certificate; raises Unauthorized once it has expired."""
        if credentials.peer_certificate is None:
            return None
        subject = self._peers.subject(credentials.peer_certificate)
        if subject is None or not subject[0]:
            return None
        name, groups, until = subject
        now = datetime.now(UTC)
        if now > until:
            logger.info("Client certificate has expired", extra={"user": name, "until": until.isoformat()})
            raise Unauthorized("Unauthorized")
        CERTIFICATE_EXPIRATIONS.observe((until - now).total_seconds())
        return UserInfo(name, groups=groups)
