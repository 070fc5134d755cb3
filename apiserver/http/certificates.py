"""The serving certificates: the default one, those of --tls-sni-cert-key, and what becomes of them when files change.

The sockets keep one TLS context. A connection is moved to another while it is being made, by its client's name or once
the default certificate has changed; where neither is so, nobody asks."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

from apiserver.http import sni
from apiserver.http.sni import NamedPair
from apiserver.http.tls import TlsError, TlsSettings, server_context

logger = logging.getLogger(__name__)

_POLL_SECONDS = 10.0


class ServingCertificates:
    """What connections are served with. `context` is for the sockets."""

    def __init__(
        self, default: NamedPair, named: Sequence[NamedPair], settings: TlsSettings, *, address: str = ""
    ) -> None:
        """Reads the files; raises TlsError. `address`: the one at which the sockets listen, where it is one alone."""
        self._address = address
        self._pairs = (default, *named)
        self._settings = settings
        self._seen = self._contents()
        self.context, self._named = self._load()
        self._default = self.context
        if self._named:
            self.context.sni_callback = self._choose

    def _load(self) -> tuple[ssl.SSLContext, dict[str, ssl.SSLContext]]:
        default, *named = self._pairs
        found = []
        for pair in named:
            made = server_context(pair.cert_file, pair.key_file, self._settings)
            found.append((pair, sni.names_of(Path(pair.cert_file).read_bytes()), made))
        return server_context(default.cert_file, default.key_file, self._settings), sni.by_name(found)

    def _contents(self) -> list[bytes]:
        try:
            return [Path(file).read_bytes() for pair in self._pairs for file in (pair.cert_file, pair.key_file)]
        except OSError as error:
            raise TlsError(f"cannot load certificates ({error.filename}): {error.strerror}") from error

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        found = sni.find(self._named, name, self._address)
        connection.context = found if found is not None else self._default

    async def follow(self, *, poll_seconds: float = _POLL_SECONDS) -> None:
        """Serve new connections with what the files say by then, for ever; what is no good is told, and the last good
        certificates stay."""
        while True:
            await asyncio.sleep(poll_seconds)
            try:
                if await asyncio.to_thread(self.reload):
                    self.context.sni_callback = self._choose
                    logger.info("Serving with new certificates", extra={"files": len(self._pairs)})
            except (TlsError, OSError, ValueError) as error:
                logger.error("The new certificates are not used", extra={"error": str(error)})

    def reload(self) -> bool:
        """Read the files again (blocking): whether they have changed; raises TlsError, OSError, ValueError, once for
        each content."""
        contents = self._contents()
        if contents == self._seen:
            return False
        self._seen = contents
        self._default, self._named = self._load()
        return True
