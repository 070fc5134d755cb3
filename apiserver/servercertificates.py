"""Counts the outdated certificates of other servers that this one calls: apiserver_webhooks_x509_* and
apiserver_kube_aggregator_x509_*, by connections.

Names of hosts only in the common name are taken here, and counted; signatures by SHA-1 are refused by OpenSSL as it is
mostly configured, and counted either way."""

from __future__ import annotations

import ssl
from typing import Final

from component.counter import LightCounter

#: The algorithms sha1WithRSAEncryption and ecdsa-with-SHA1 as they stand in a certificate.
_SHA1: Final = (bytes.fromhex("06092a864886f70d010105"), bytes.fromhex("06072a8648ce3d0401"))
#: X509_V_ERR_CA_MD_TOO_WEAK
_WEAK_DIGEST: Final = 68


def _counting(prefix: str) -> type[ssl.SSLObject]:
    nameless = LightCounter(f"{prefix}_x509_missing_san_total", "Connections to servers without alternative names.")
    sha1 = LightCounter(f"{prefix}_x509_insecure_sha1_total", "Connections to servers with signatures by SHA-1.")
    without_names, by_sha1 = nameless.labels(), sha1.labels()

    class Counting(ssl.SSLObject):
        """A connection that looks at the other side's certificate once."""

        def do_handshake(self) -> None:
            """Go on with it; raises SSLError."""
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                if error.verify_code == _WEAK_DIGEST:
                    by_sha1.inc()
                raise
            encoded = self.getpeercert(binary_form=True) or b""
            if any(algorithm in encoded for algorithm in _SHA1):
                by_sha1.inc()
            known = self.getpeercert()  # empty where it was not verified
            if known and "subjectAltName" not in known:
                without_names.inc()

    return Counting


#: For the contexts (`sslobject_class`) of calls to webhooks, and of those to other API servers.
OF_WEBHOOK: Final = _counting("apiserver_webhooks")
OF_AGGREGATED: Final = _counting("apiserver_kube_aggregator")
