"""Reading request headers that may occur several times. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import cast

from multidict import CIMultiDict

WEBSOCKET_TOKEN = "base64url.bearer.authorization.k8s.io."  #: how the subprotocol begins that carries a token


def legible(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with text for values: what is no UTF-8 is replaced, as neither JSON nor a name could say it."""
    if "".join(headers.values()).isascii():
        return headers
    return CIMultiDict((name, legible_text(value)) for name, value in headers.items())


def legible_text(value: str) -> str:
    """The same for one value, in which the server keeps such bytes as lone surrogates."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def values(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of the header, in order. A multidict gives all of them, a plain mapping its one."""
    get_all = getattr(headers, "getall", None)
    if get_all is not None:
        return cast("list[str]", list(get_all(name, [])))
    value = headers.get(name)
    return [] if value is None else [value]


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer TOKEN` or of the WebSocket subprotocol, None where there is none.

    A subprotocol with a token counts only beside another one: that is what the server then agrees to."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip().split(" ")[0]
    if "Sec-WebSocket-Protocol" not in headers:
        return None
    offered = protocols(headers)
    tokens = [name for name in offered if name.startswith(WEBSOCKET_TOKEN)]
    if len(tokens) != 1 or len(offered) < 2:
        return None
    return _decoded(tokens[0].removeprefix(WEBSOCKET_TOKEN))


def protocols(headers: Mapping[str, str]) -> list[str]:
    """The WebSocket subprotocols that a client offers, in its order."""
    listed = (name.strip() for value in values(headers, "Sec-WebSocket-Protocol") for name in value.split(","))
    return [name for name in listed if name]


def _decoded(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() or None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
