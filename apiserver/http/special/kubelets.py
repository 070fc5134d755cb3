"""Where a node's kubelet listens, and the TLS and session to talk to it with."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import aiohttp
from yarl import URL

from apimachinery import errors
from apimachinery.objects import Object, name_of
from apiserver.options import Options
from apiserver.registry.served import Served
from component import tlscontext


class Kubelets:
    """Connections to kubelets."""

    def __init__(self, nodes: Served, options: Options) -> None:
        self._nodes = nodes
        self._preferred = options.kubelet_preferred_address_types
        self._scheme = "https" if options.kubelet_https else "http"
        self._port = options.kubelet_port
        self._connect_seconds = options.kubelet_timeout_seconds
        self.ssl_context = _context(options)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made on first use; it has no limit on how long an answer may go on.

        It keeps no cookies: one user's would be sent with another's requests."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds)
            connector = aiohttp.TCPConnector(ssl=self.ssl_context, limit=0)
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def url(self, node_name: str, path: str) -> URL:
        """The URL of a path on a node's kubelet; raises NotFound, InternalError."""
        found = self._nodes.store.cached("", node_name)
        if found is None:
            raise errors.not_found("", "nodes", node_name)
        host, port = address_of(found.obj, self._preferred, self._port)
        bracketed = f"[{host}]" if ":" in host else host
        return URL(f"{self._scheme}://{bracketed}:{port}{path}", encoded=True)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()


def address_of(node: Object, preferred: Sequence[str], port: int) -> tuple[str, int]:
    """Host and port of a node's kubelet, by the first address type that it has. Pure; raises InternalError."""
    status = node.get("status") or {}
    endpoint = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    addresses = status.get("addresses") or ()
    # A host name is of use only where it can be resolved; an address always is.
    for wanted in sorted(preferred, key=lambda kind: kind in ("Hostname", "InternalDNS", "ExternalDNS")):
        for address in addresses:
            if address.get("type") == wanted and address.get("address"):
                return address["address"], endpoint or port
    types = ", ".join(preferred)
    raise errors.InternalError(f"no preferred addresses found for node {name_of(node)}; known addresses: [{types}]")


def _context(options: Options) -> ssl.SSLContext:
    authority = options.kubelet_certificate_authority
    context = ssl.create_default_context(cafile=authority) if authority else tlscontext.unverified()
    if options.kubelet_client_certificate:
        context.load_cert_chain(options.kubelet_client_certificate, options.kubelet_client_key or None)
    return context
