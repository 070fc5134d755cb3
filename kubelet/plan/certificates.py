"""Which certificates the kubelet asks for, when it renews them, and what a request's status says. Pure.

After "TLS bootstrapping" and "Certificate rotation" of the Kubernetes documentation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object

#: A certificate is renewed after 70 to 90 % of its time, so that nodes made together do not ask together.
_RENEW_FROM, _RENEW_SPREAD = 0.7, 0.2


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a certificate is for: who signs it, and what it may be used for."""

    name: str  #: "client" or "server", in file names and logs
    signer: str
    usages: tuple[str, ...]


CLIENT = Purpose("client", "kubernetes.io/kube-apiserver-client-kubelet", ("digital signature", "client auth"))
SERVING = Purpose("server", "kubernetes.io/kubelet-serving", ("digital signature", "server auth"))


class RequestRefused(Exception):
    """The request was denied, or its signer could not sign it."""


def common_name(node_name: str) -> str:
    """The user name of a node."""
    return f"system:node:{node_name}"


def renewal_time(not_before: datetime, not_after: datetime, fraction: float) -> datetime:
    """When to ask for the next certificate; `fraction` (0 to 1) is random, and differs between nodes."""
    return not_before + (not_after - not_before) * (_RENEW_FROM + _RENEW_SPREAD * fraction)


def signing_request(purpose: Purpose, request: bytes, *, name: str = "") -> Object:
    """The CertificateSigningRequest for a PKCS #10 request (PEM); named by the server where no name is given."""
    metadata = {"name": name} if name else {"generateName": "csr-"}
    spec = {
        "request": base64.b64encode(request).decode(),
        "signerName": purpose.signer,
        "usages": list(purpose.usages),
    }
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": metadata,
        "spec": spec,
    }


def issued(csr: Object) -> bytes | None:
    """The certificate (PEM) of an approved request; None while it has to be waited for. Raises RequestRefused."""
    status = csr.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    for type, verb in (("Denied", "was denied"), ("Failed", "failed")):
        if type in conditions:
            told = conditions[type]
            reason, message = told.get("reason") or "", told.get("message") or ""
            raise RequestRefused(
                f"certificate signing request {csr['metadata']['name']} {verb}, reason: {reason}, message: {message}"
            )
    if "Approved" not in conditions or not status.get("certificate"):
        return None
    try:
        return base64.b64decode(status["certificate"], validate=True)
    except binascii.Error as error:
        raise RequestRefused(f"the certificate of {csr['metadata']['name']} is not base64") from error


def kubeconfig(cluster: Mapping[str, object], pem_file: str) -> Object:
    """A kubeconfig for `cluster` (an entry's content) with the certificate and the key in `pem_file` as its user."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": dict(cluster)}],
        "users": [{"name": "default-auth", "user": {"client-certificate": pem_file, "client-key": pem_file}}],
        "contexts": [
            {
                "name": "default-context",
                "context": {"cluster": "default-cluster", "user": "default-auth", "namespace": "default"},
            }
        ],
        "current-context": "default-context",
    }


def serving_names(addresses: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """(DNS names, IP addresses) of a Node's status.addresses, each once, in order."""
    dns = [item["address"] for item in addresses if item["type"] in ("Hostname", "InternalDNS", "ExternalDNS")]
    ips = [item["address"] for item in addresses if item["type"] in ("InternalIP", "ExternalIP")]
    return sorted(set(dns)), sorted(set(ips))
