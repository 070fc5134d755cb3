"""Connections to aggregated servers, as the front proxy that this server is to them."""

from __future__ import annotations

import base64
import binascii
import logging
import random
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from api.resources import ENDPOINTS, SERVICES
from apiserver.aggregation import plan
from apiserver.aggregation.plan import Remote, Unroutable
from apiserver.http.special.passedon import passed_on
from apiserver.interfaces import Reader, UserInfo
from apiserver.options import Options
from apiserver.servercertificates import OF_AGGREGATED
from component import tlscontext
from component.process import FatalError

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_CONTEXTS_KEPT = 256
AGGREGATOR = UserInfo("system:kube-aggregator", groups=("system:masters",))
_USER, _GROUP, _EXTRA = "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-"


class Transport:
    """One HTTP session for all of them."""

    def __init__(self, reader: Reader, options: Options, *, own_address: tuple[str, int]) -> None:
        """`own_address`: where this server itself is reached; for the Service `kubernetes`. Raises FatalError."""
        self._reader = reader
        self._by_endpoint = options.enable_aggregator_routing
        self._certificate = (options.proxy_client_cert_file, options.proxy_client_key_file)
        self._own_address = own_address
        named = (
            options.requestheader_username_headers,
            options.requestheader_group_headers,
            options.requestheader_extra_headers_prefix,
        )
        #: How headers begin that are published as a front proxy's: of a client's none may go on.
        self.trusted = tuple(name.lower() for names in named for name in names)
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None
        self._seen: tuple[int, ...] = ()
        if bool(self._certificate[0]) != bool(self._certificate[1]):
            raise FatalError("--proxy-client-cert-file and --proxy-client-key-file must be specified together")
        try:
            self._context("", insecure=True)
            self._seen = self._times()
        except (OSError, ssl.SSLError) as error:
            raise FatalError(f"--proxy-client-cert-file {self._certificate[0]}: {error}") from error

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made on first use; it has no limit on how long an answer may go on.

        It keeps no cookies: one user's would be sent with another's requests."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                timeout=timeout,
                auto_decompress=False,
                skip_auto_headers=_AUTOMATIC,
                cookie_jar=aiohttp.DummyCookieJar(),
                # A watch keeps its connection: no number of them may keep other requests waiting.
                connector=aiohttp.TCPConnector(limit=0),
            )
        return self._session

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    def url(self, remote: Remote, path_and_query: str) -> URL:
        """Where a path of the server is, by its Service; raises Unroutable."""
        host, port = self._address(remote)
        return URL(f"https://{f'[{host}]' if ':' in host else host}:{port}{path_and_query}", encoded=True)

    def _address(self, remote: Remote) -> tuple[str, int]:
        if (remote.namespace, remote.service, remote.port) == ("default", "kubernetes", 443):
            return self._own_address
        service = self._reader.get(SERVICES, remote.namespace, remote.service)
        if not self._by_endpoint:
            return plan.cluster_address(remote, service)
        endpoints = self._reader.get(ENDPOINTS, remote.namespace, remote.service)
        return plan.endpoint_address(remote, service, endpoints, random.choice)

    def context(self, remote: Remote) -> ssl.SSLContext:
        """The TLS to speak with it, with our client certificate; raises Unroutable for a bundle that is none."""
        try:
            return self._context(remote.ca_bundle, insecure=remote.insecure)
        except (binascii.Error, UnicodeDecodeError, ssl.SSLError, OSError) as error:
            raise Unroutable(f"unable to load root certificates: {error}") from error

    def unverified(self) -> ssl.SSLContext:
        """TLS that asks for no certificate: enough to see whether a server is there."""
        return self._context("", insecure=True)

    def _context(self, bundle: str, *, insecure: bool) -> ssl.SSLContext:
        found = self._contexts.get((bundle, insecure))
        if found is not None:
            return found
        if insecure:
            made = tlscontext.unverified()
        else:
            made = ssl.create_default_context(cadata=base64.b64decode(bundle).decode() if bundle else None)
        made.sslobject_class = OF_AGGREGATED
        if self._certificate[0]:
            made.load_cert_chain(*self._certificate)
        if len(self._contexts) >= _CONTEXTS_KEPT:
            self._contexts.clear()
        self._contexts[bundle, insecure] = made
        return made

    def reload(self) -> None:
        """Use the client certificate's files as they are now; for a thread, as it looks at files."""
        try:
            times = self._times()
        except OSError as error:
            # They are being exchanged, or gone for good: what was read of them before serves on.
            logger.warning("The front proxy's certificate cannot be read", extra={"error": str(error)})
            return
        if times != self._seen:
            self._seen = times
            self._contexts.clear()

    def _times(self) -> tuple[int, ...]:
        return tuple(Path(path).stat().st_mtime_ns for path in self._certificate if path)


#: Headers that aiohttp would add to what the client itself sends.
_AUTOMATIC = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


def forwarded(
    headers: Iterable[tuple[str, str]],
    user: UserInfo,
    peer: str,
    *,
    upgrade: bool = False,
    trusted: tuple[str, ...] = (),
) -> CIMultiDict[str]:
    """The headers of a request as they go on: without credentials, with the user that they stood for. Pure.

    `upgrade`: keep what asks for another protocol. `trusted`: what names of headers begin with (in lower case) that the
    other server takes from a front proxy beside ours."""
    kept = passed_on(headers, upgrade=upgrade)
    for name in {name for name in kept if name.lower().startswith(trusted)}:
        del kept[name]
    path = kept.popall("X-Forwarded-For", [])
    kept["X-Forwarded-For"] = ", ".join([*path, peer] if peer else path)
    kept.extend(identity(user))
    return kept


def identity(user: UserInfo) -> CIMultiDict[str]:
    """The headers by which a front proxy names the user. Pure."""
    made: CIMultiDict[str] = CIMultiDict({_USER: user.name})
    for group in user.groups:
        made.add(_GROUP, group)
    for key, values in user.extra.items():
        for value in values:
            made.add(_EXTRA + quote(key, safe="!#$&'*+-.^_`|~"), value)
    return made


def discovery_headers(accept: str, more: Mapping[str, str] | None = None) -> CIMultiDict[str]:
    """The headers of our own questions. Pure."""
    return CIMultiDict({**identity(AGGREGATOR), **(more or {}), "Accept": accept, "User-Agent": "kube-aggregator"})
