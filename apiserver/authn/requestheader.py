"""A front proxy that has authenticated the user itself and says so in headers, if its own certificate allows that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from apiserver.authn.headers import values
from apiserver.authn.x509 import PeerCertificates
from apiserver.interfaces import Credentials, UserInfo


class RequestHeaderAuthenticator:
    """Users named by headers of a trusted proxy."""

    def __init__(
        self,
        peers: PeerCertificates,
        *,
        allowed_names: Sequence[str],
        user_headers: Sequence[str],
        group_headers: Sequence[str],
        extra_prefixes: Sequence[str],
    ) -> None:
        """`allowed_names`: common names of proxies; none: every certificate of the proxies' CA."""
        self._peers = peers
        self._allowed = frozenset(allowed_names)
        self._user_headers = tuple(user_headers)
        self._group_headers = tuple(group_headers)
        self._extra_prefixes = tuple(prefix.lower() for prefix in extra_prefixes)

    async def authenticate(self, credentials: Credentials) -> UserInfo | None:
        """The user the proxy names, None where this is no trusted proxy or it names none."""
        if credentials.peer_certificate is None:
            return None
        subject = self._peers.subject(credentials.peer_certificate)
        if subject is None or datetime.now(UTC) > subject[2] or (self._allowed and subject[0] not in self._allowed):
            return None
        headers = credentials.headers
        name = next((value for header in self._user_headers for value in values(headers, header) if value), "")
        if not name:
            return None
        groups = tuple(value for header in self._group_headers for value in values(headers, header))
        extra: dict[str, tuple[str, ...]] = {}
        for header in dict.fromkeys(header.lower() for header in headers):
            prefix = next((item for item in self._extra_prefixes if header.startswith(item)), None)
            if prefix is not None:
                extra[unquote(header[len(prefix) :])] = tuple(values(headers, header))
        return UserInfo(name, groups=groups, extra=extra)
