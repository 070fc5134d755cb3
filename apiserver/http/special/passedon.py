"""The headers of a request that goes on to another server, without what let the client in here. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from apiserver.authn.headers import WEBSOCKET_TOKEN

#: What concerns the client's connection or credentials.
_OURS = frozenset(
    {"authorization", "connection", "content-length", "host", "keep-alive", "proxy-authorization", "proxy-connection",
     "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip
#: Whom the request is treated as: said by the client or its front proxy to this server, and to no other.
_IDENTITIES = ("impersonate-", "x-remote-")
_PROTOCOLS = "Sec-WebSocket-Protocol"


def passed_on(headers: Iterable[tuple[str, str]], *, upgrade: bool = False) -> CIMultiDict[str]:
    """The headers without credentials and without what is between two neighbours.

    `upgrade`: they ask for the client's other protocol, and for nothing else of the connection."""
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        low = name.lower()
        if low == "upgrade" and upgrade:
            kept.add("Connection", "Upgrade")
            kept.add(name, value)
        elif low == _PROTOCOLS.lower():
            if rest := _without_tokens(value):
                kept.add(name, rest)
        elif low not in _OURS and not low.startswith(_IDENTITIES):
            kept.add(name, value)
    return kept


def _without_tokens(protocols: str) -> str:
    """The subprotocols but for the one that carries a bearer token."""
    offered = (name.strip() for name in protocols.split(","))
    return ", ".join(name for name in offered if name and not name.startswith(WEBSOCKET_TOKEN))
