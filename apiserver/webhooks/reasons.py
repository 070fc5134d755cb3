"""Why a call to another server came to nothing, in the words of Go's net and crypto/tls packages. Pure."""

from __future__ import annotations

import asyncio
import errno
import ssl

import aiohttp

#: What OpenSSL says of a certificate that no known authority has signed.
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
_EXPIRED = frozenset({9, 10})


def reason_of(error: Exception) -> str:
    """The words for an exception of aiohttp's client or of a socket."""
    if isinstance(error, TimeoutError):
        return "context deadline exceeded"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _distrust(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ssl.SSLCertVerificationError):
            return _distrust(error.os_error)
        why = "connect: connection refused" if error.os_error.errno == errno.ECONNREFUSED else str(error.os_error)
        return f"dial tcp {error.host}:{error.port}: {why}"
    if isinstance(error, (aiohttp.ServerDisconnectedError, asyncio.IncompleteReadError)):
        return "EOF"
    return str(error) or type(error).__name__


def _distrust(error: Exception) -> str:
    code = getattr(error, "verify_code", 0)
    if code in _UNKNOWN_AUTHORITY:
        why = "certificate signed by unknown authority"
    elif code in _EXPIRED:
        why = "certificate has expired or is not yet valid"
    else:
        why = getattr(error, "verify_message", "") or str(error)
    return f"tls: failed to verify certificate: x509: {why}"
