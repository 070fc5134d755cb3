"""Kubeconfig files (clientcmd/api/v1) and --master, turned into a `ClientConfig`.

Reads files once, at start; only a token file is read again, by the REST client."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client.rest import ClientConfig

_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def load(kubeconfig: str = "", master: str = "", context: str = "", *, anonymous: bool = False) -> ClientConfig:
    """The configuration of `kubeconfig`'s current (or the named) context, its server overridden by `master`.

    Files and inline base64 data, tokens, token files, basic, client certificates, insecure-skip-tls-verify,
    tls-server-name. Without a file, `master` alone, and without that what a pod is given. `anonymous` leaves the
    file's credentials out. Raises ValueError with one line that says what is wrong."""
    if kubeconfig:
        return _from_file(Path(kubeconfig), master, context, anonymous=anonymous)
    if master:
        server = _with_scheme(master, secure=False)
        return ClientConfig(server=server, ssl_context=_context({}, {}) if server.startswith("https:") else None)
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if host and (_IN_CLUSTER / "token").exists():
        cluster = {"certificate-authority": str(_IN_CLUSTER / "ca.crt")}
        address = f"[{host}]" if ":" in host else host
        return ClientConfig(
            server=f"https://{address}:{port}",
            ssl_context=_context(cluster, {}),
            token_file=str(_IN_CLUSTER / "token"),
        )
    raise ValueError("no configuration has been provided, try setting --kubeconfig or --master")


def cluster_of(kubeconfig: Path) -> dict[str, Any]:
    """The cluster entry of the current context, its file names absolute. Raises ValueError."""
    cluster, _ = _entries(kubeconfig, "", required=True)
    return _absolute(cluster, kubeconfig)


def certificate_of(kubeconfig: Path) -> bytes:
    """The client certificate (PEM) of the current context's user; b"" where it has none. Raises ValueError."""
    _, user = _entries(kubeconfig, "", required=True)
    return _material(_absolute(user, kubeconfig), "client-certificate")


def _from_file(path: Path, master: str, context: str, *, anonymous: bool) -> ClientConfig:
    cluster, user = _entries(path, context, required=not master)
    return _assemble(_absolute(cluster, path), {} if anonymous else _absolute(user, path), master, path)


def _entries(path: Path, context: str, *, required: bool) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(cluster, user) of the named or current context; empty where there is none and none is `required`."""
    import yaml  # here, as --master needs none of it

    try:
        config = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ValueError(f"cannot read kubeconfig {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"kubeconfig {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise ValueError(f"kubeconfig {path} is empty or not a mapping")
    chosen = context or config.get("current-context") or ""
    if not chosen:
        if required:
            raise ValueError(f"kubeconfig {path} has no current-context")
        return {}, {}
    entry = _named(config, "contexts", "context", chosen, path)
    cluster = _named(config, "clusters", "cluster", entry.get("cluster") or "", path)
    user = _named(config, "users", "user", entry["user"], path) if entry.get("user") else {}
    return cluster, user


def _assemble(cluster: Mapping[str, Any], user: Mapping[str, Any], master: str, path: Path) -> ClientConfig:
    address = master or cluster.get("server") or ""
    if not address:
        raise ValueError(f"kubeconfig {path}: the cluster has no server")
    if "exec" in user or "auth-provider" in user:
        raise ValueError(f"kubeconfig {path}: credential plugins are not supported, use a token or a certificate")
    keys = ("certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify")
    secure = any(cluster.get(key) for key in keys) or any(key.startswith("client-certificate") for key in user)
    server = _with_scheme(address, secure=secure)
    return ClientConfig(
        server=server,
        ssl_context=_context(cluster, user) if server.startswith("https:") else None,
        token=user.get("token") or "",
        token_file=user.get("tokenFile") or "",
        username=user.get("username") or "",
        password=str(user.get("password") or ""),
        server_hostname=cluster.get("tls-server-name") or "",
    )


def _named(config: Mapping[str, Any], section: str, inner: str, name: str, path: Path) -> Mapping[str, Any]:
    for item in config.get(section) or ():
        if isinstance(item, dict) and item.get("name") == name:
            return item.get(inner) or {}
    raise ValueError(f'kubeconfig {path}: {inner} "{name}" does not exist')


def _absolute(entry: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """File names relative to the kubeconfig's own folder."""
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {
        key: str(path.absolute().parent / value) if key in files and value else value for key, value in entry.items()
    }


def _with_scheme(address: str, *, secure: bool) -> str:
    if "://" not in address:
        address = f"{'https' if secure else 'http'}://{address}"
    scheme = address.partition("://")[0]
    if scheme not in ("http", "https"):
        raise ValueError(f'server "{address}" must begin with http:// or https://')
    return address.rstrip("/")


def _context(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    authority = _material(cluster, "certificate-authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif authority:
            context.load_verify_locations(cadata=authority.decode())
        else:
            context.load_default_certs()
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError(f"certificate-authority is not a PEM certificate: {error}") from error
    certificate, key = _material(user, "client-certificate"), _material(user, "client-key")
    if certificate:
        _load_chain(context, certificate, key)
    return context


def _load_chain(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """The ssl module takes files only; an anonymous one in memory keeps the key off the disk."""
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError as error:
        raise ValueError(f"client-certificate and client-key do not work together: {error}") from error
    finally:
        os.close(descriptor)


def _material(entry: Mapping[str, Any], name: str) -> bytes:
    """The bytes of `NAME-data` or else of the file `NAME`; empty where neither is given."""
    data = entry.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(data, validate=False)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"{name}-data is not base64") from error
    file = entry.get(name)
    if not file:
        return b""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {name} {file}: {error.strerror}") from error
