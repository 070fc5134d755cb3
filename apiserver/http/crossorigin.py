"""What browsers are told: which pages of other origins may call (CORS), and that only HTTPS is spoken (HSTS).

Pure. Rules: --cors-allowed-origins and --strict-transport-security-directives of the reference; RFC 6797."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_METHODS = "POST, GET, OPTIONS, PUT, DELETE, PATCH"
_HEADERS = (
    "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since"
)
_NONE: Mapping[str, str] = {}


class BrowserRules:
    """The headers of answers."""

    def __init__(self, allowed_origins: Sequence[str] = (), transport_security: Sequence[str] = ()) -> None:
        """`allowed_origins`: regular expressions, of which one must be found in the origin. Raises ValueError."""
        patterns = []
        for text in allowed_origins:
            try:
                patterns.append(re.compile(text))
            except re.error as error:
                raise ValueError(f"--cors-allowed-origins: {text!r}: {error}") from error
        self._origins = tuple(patterns)
        directives = [each.strip() for each in transport_security if each.strip()]
        for each in directives:
            if each not in ("includeSubDomains", "preload") and not re.fullmatch(r"max-age=\d+", each):
                raise ValueError(
                    f"--strict-transport-security-directives invalid, allowed values: max-age=expireTime, "
                    f"includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more "
                    f"information: {each!r}"
                )
        self._always: Mapping[str, str] = {"Strict-Transport-Security": "; ".join(directives)} if directives else _NONE

    def headers(self, origin: str | None, *, secure: bool) -> Mapping[str, str]:
        """Of the answer to a request with this Origin."""
        always = self._always if secure else _NONE
        if not origin or not any(pattern.search(origin) for pattern in self._origins):
            return always
        return {
            **always,
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Expose-Headers": "Date",
            "Access-Control-Allow-Credentials": "true",
        }
