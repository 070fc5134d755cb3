"""TLS towards servers whose certificates are not looked at."""

from __future__ import annotations

import ssl


def unverified() -> ssl.SSLContext:
    """A client's context that takes any certificate. Made without `ssl.create_default_context`, which would read the
    system's authorities for nothing: some 50 ms and 2 MB."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
