"""The secure port's TLS context: the given certificate, or one made at start and kept in --cert-dir."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

_MAKE_SECONDS = 30.0
_VERSIONS = {
    "": ssl.TLSVersion.TLSv1_2,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}


class TlsError(Exception):
    """The certificate cannot be used; one line says why."""


async def context(
    cert_file: str,
    key_file: str,
    *,
    cert_dir: str,
    alternatives: Sequence[str],
    client_ca_files: Sequence[str] = (),
    min_version: str = "",
) -> ssl.SSLContext:
    """The server's context; client certificates are asked for where there is a CA to check them. Raises TlsError."""
    if bool(cert_file) != bool(key_file):
        raise TlsError("--tls-cert-file and --tls-private-key-file must be given together")
    if min_version not in _VERSIONS:
        raise TlsError(f"--tls-min-version: unknown version {min_version!r}")
    if not cert_file:
        cert_file, key_file = await _self_made(Path(cert_dir), alternatives)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = _VERSIONS[min_version]
    try:
        made.load_cert_chain(cert_file, key_file)
        for ca_file in client_ca_files:
            made.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"cannot load certificates ({cert_file}, {', '.join(client_ca_files)}): {error}") from error
    if client_ca_files:
        made.verify_mode = ssl.CERT_OPTIONAL
    made.set_alpn_protocols(["http/1.1"])
    return made


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
