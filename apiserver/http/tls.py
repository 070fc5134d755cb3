"""TLS contexts of the secure port, and the default certificate: the given one, or one made at start in --cert-dir.

`certificates.py` has all certificates and follows their files."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from component.counter import LightCounter

_MAKE_SECONDS = 30.0
_VERSIONS = {
    "": ssl.TLSVersion.TLSv1_2,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}


#: Cipher suites of TLS 1.2 that --tls-cipher-suites may name, and OpenSSL's names; those of TLS 1.3 are always on.
_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
_ALWAYS = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


HANDSHAKE_ERRORS = LightCounter("apiserver_tls_handshake_errors_total", "TLS handshakes that failed.").labels()


class TlsError(Exception):
    """The certificate cannot be used; one line says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What all connections have in common, whatever their certificate."""

    client_ca_files: Sequence[str] = ()
    min_version: str = ""
    cipher_suites: Sequence[str] = ()


async def default_pair(cert_file: str, key_file: str, *, cert_dir: str, alternatives: Sequence[str]) -> tuple[str, str]:
    """The files of the default certificate and its key; raises TlsError."""
    if bool(cert_file) != bool(key_file):
        raise TlsError("--tls-cert-file and --tls-private-key-file must be given together")
    return (cert_file, key_file) if cert_file else await _self_made(Path(cert_dir), alternatives)


class _Counted(ssl.SSLObject):
    """A connection whose handshake is counted where it fails."""

    def do_handshake(self) -> None:
        """Go on with it; raises SSLError."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            HANDSHAKE_ERRORS.inc()
            raise


def server_context(cert_file: str, key_file: str, settings: TlsSettings) -> ssl.SSLContext:
    """A context with one certificate; client certificates are asked for where there is a CA to check them. Raises
    TlsError."""
    if settings.min_version not in _VERSIONS:
        raise TlsError(f"--tls-min-version: unknown version {settings.min_version!r}")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.sslobject_class = _Counted
    made.minimum_version = _VERSIONS[settings.min_version]
    if settings.cipher_suites:
        made.set_ciphers(openssl_ciphers(settings.cipher_suites))
    try:
        made.load_cert_chain(cert_file, key_file)
        for ca_file in settings.client_ca_files:
            made.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join((cert_file, key_file, *settings.client_ca_files))
        raise TlsError(f"cannot load certificates ({files}): {error}") from error
    if settings.client_ca_files:
        made.verify_mode = ssl.CERT_OPTIONAL
    made.set_alpn_protocols(["http/1.1"])
    return made


def openssl_ciphers(suites: Sequence[str]) -> str:
    """What OpenSSL calls these suites of TLS 1.2; raises TlsError for one that is unknown."""
    for suite in suites:
        if suite not in _SUITES and suite not in _ALWAYS:
            raise TlsError(f"--tls-cipher-suites: Cipher suite {suite} not supported or doesn't exist")
    chosen = [_SUITES[suite] for suite in suites if suite in _SUITES]
    if not chosen:
        raise TlsError("--tls-cipher-suites: names no suite of TLS 1.2; use --tls-min-version=VersionTLS13 instead")
    return ":".join(dict.fromkeys(chosen))


async def _self_made(directory: Path, alternatives: Sequence[str]) -> tuple[str, str]:
    """apiserver.crt and apiserver.key in `directory`, made where they are absent.

    A process of its own makes them: the library for it would stay in this one's memory."""
    certificate, key = directory / "apiserver.crt", directory / "apiserver.key"
    if certificate.exists() and key.exists():
        return str(certificate), str(key)
    try:
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise TlsError(f"cannot make --cert-dir {directory}: {error.strerror}") from error
    command = (sys.executable, "-m", "component.selfsigned", str(directory), "kube-apiserver", *alternatives)
    process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
    try:
        code = await asyncio.wait_for(process.wait(), _MAKE_SECONDS)
    except TimeoutError:
        process.kill()
        code = await process.wait()
    if code:
        raise TlsError(f"could not make a serving certificate (exit code {code})")
    (directory / "tls.key").rename(key)
    (directory / "tls.crt").rename(certificate)
    return str(certificate), str(key)
