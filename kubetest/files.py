"""What one server and its administrator need on disk: certificate, keys, the token and the kubeconfig.

Elliptic curves throughout: an RSA key would take longer to make than the server takes to start."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from component.selfsigned import self_signed


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where they are."""

    ca: Path  #: the serving certificate, which signed itself
    serving_key: Path
    account_key: Path  #: signs service account tokens
    tokens: Path  #: for --token-auth-file
    kubeconfig: Path
    token: str


def write_credentials(folder: Path, url: str, address: str) -> Credentials:
    """Make all of them in the folder. Blocks."""
    token = secrets.token_urlsafe(24)
    files = Credentials(
        ca=folder / "ca.crt",
        serving_key=folder / "apiserver.key",
        account_key=folder / "sa.key",
        tokens=folder / "tokens.csv",
        kubeconfig=folder / "kubeconfig",
        token=token,
    )
    certificate, key = self_signed("kube-apiserver", ["localhost", address, "kubernetes.default.svc", "kubernetes"])
    files.ca.write_bytes(certificate)
    files.serving_key.write_bytes(key)
    files.account_key.write_bytes(_signing_key())
    files.tokens.write_text(f'{token},kubernetes-admin,admin,"system:masters"\n')
    files.kubeconfig.write_text(_kubeconfig(url, certificate, token))
    return files


def _signing_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _kubeconfig(url: str, certificate: bytes, token: str) -> str:
    """JSON, which is YAML too."""
    cluster = {"server": url}
    if url.startswith("https:"):
        cluster["certificate-authority-data"] = base64.b64encode(certificate).decode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kubetest", "cluster": cluster}],
            "users": [{"name": "kubernetes-admin", "user": {"token": token}}],
            "contexts": [
                {
                    "name": "kubetest",
                    "context": {"cluster": "kubetest", "user": "kubernetes-admin", "namespace": "default"},
                }
            ],
            "current-context": "kubetest",
        },
        indent=1,
    )
