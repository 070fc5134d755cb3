"""Reading request headers that may occur several times. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import cast

_WEBSOCKET_PREFIX = "base64url.bearer.authorization.k8s.io."


def values(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of the header, in order. A multidict gives all of them, a plain mapping its one."""
    get_all = getattr(headers, "getall", None)
    if get_all is not None:
        return cast("list[str]", list(get_all(name, [])))
    value = headers.get(name)
    return [] if value is None else [value]


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer TOKEN` or of the WebSocket subprotocol, None where there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip().split(" ")[0]
    for header in values(headers, "Sec-WebSocket-Protocol"):
        for protocol in header.split(","):
            if protocol.strip().startswith(_WEBSOCKET_PREFIX):
                return _decoded(protocol.strip()[len(_WEBSOCKET_PREFIX) :])
    return None


def _decoded(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() or None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
