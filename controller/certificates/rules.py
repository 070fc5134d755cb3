"""What the built-in signers take: the rules of kubernetes.io/kube-apiserver-client, kube-apiserver-client-kubelet,
kubelet-serving and legacy-unknown, as the API reference "Certificate Signing Requests" states them. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from apimachinery.objects import Object
from controller.certificates.states import CLIENT, KUBELET_CLIENT, KUBELET_SERVING

_NODES_GROUP = "system:nodes"
_NODE_PREFIX = "system:node:"
#: RSA keys encipher session keys, other keys cannot: with and without are equally good.
_CLIENT_USAGES = ({"digital signature", "client auth"}, {"digital signature", "key encipherment", "client auth"})
_SERVING_USAGES = ({"digital signature", "server auth"}, {"digital signature", "key encipherment", "server auth"})
_OPTIONAL_CLIENT_USAGES = frozenset({"digital signature", "key encipherment"})


class UnfitRequest(ValueError):
    """The request is not one that its signer signs; the message says why."""


def parse(csr: Object) -> x509.CertificateSigningRequest:
    """The PKCS #10 request in spec.request. Raises UnfitRequest."""
    try:
        request = x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"], validate=True))
        request.subject  # noqa: B018 - decoded when first asked for, and it may be broken
    except (ValueError, KeyError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise UnfitRequest(f"unable to parse csr {csr['metadata']['name']!r}: {error}") from error
    return request


def common_name(request: x509.CertificateSigningRequest) -> str:
    """The subject's (last) common name, or ""."""
    values = _subject(request, NameOID.COMMON_NAME)
    return values[-1] if values else ""


def check(signer: str, request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    """Raises UnfitRequest where this signer does not sign such a request."""
    if signer == CLIENT:
        _check_client_usages(usages)
    elif signer == KUBELET_CLIENT:
        check_kubelet_client(request, usages)
    elif signer == KUBELET_SERVING:
        check_kubelet_serving(request, usages)


def check_kubelet_client(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    """A kubelet's client certificate: subject of a node, no alternative names. Raises UnfitRequest."""
    if _subject(request, NameOID.ORGANIZATION_NAME) != [_NODES_GROUP]:
        raise UnfitRequest("subject organization is not system:nodes")
    _check_no_names(request, (("DNS", x509.DNSName), ("Email", x509.RFC822Name), ("IP", x509.IPAddress), _URI))
    if not common_name(request).startswith(_NODE_PREFIX):
        raise UnfitRequest("subject common name does not begin with system:node:")
    if set(usages) not in _CLIENT_USAGES:
        raise UnfitRequest(f"usages did not match {_listed(_CLIENT_USAGES[1])}")


def check_kubelet_serving(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    """A kubelet's serving certificate: subject of a node, at least one DNS name or address. Raises UnfitRequest."""
    if _subject(request, NameOID.ORGANIZATION_NAME) != [_NODES_GROUP]:
        raise UnfitRequest("subject organization is not system:nodes")
    names = _alternative_names(request)
    if not any(isinstance(name, x509.DNSName | x509.IPAddress) for name in names):
        raise UnfitRequest("DNS or IP subjectAltName is required")
    _check_no_names(request, (("Email", x509.RFC822Name), _URI))
    if set(usages) not in _SERVING_USAGES:
        raise UnfitRequest(f"usages did not match {_listed(_SERVING_USAGES[1])}")
    if not common_name(request).startswith(_NODE_PREFIX):
        raise UnfitRequest("subject common name does not begin with system:node:")


_URI = ("URI", x509.UniformResourceIdentifier)


def _check_client_usages(usages: Collection[str]) -> None:
    for usage in usages:
        if usage != "client auth" and usage not in _OPTIONAL_CLIENT_USAGES:
            raise UnfitRequest(f"invalid usage for client certificate: {usage}")
    if "client auth" not in usages:
        raise UnfitRequest("missing required usage for client certificate: client auth")


def _check_no_names(
    request: x509.CertificateSigningRequest, forbidden: tuple[tuple[str, type[x509.GeneralName]], ...]
) -> None:
    names = _alternative_names(request)
    for word, kind in forbidden:
        if any(isinstance(name, kind) for name in names):
            raise UnfitRequest(f"{word} subjectAltNames are not allowed")


def _alternative_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
    except ValueError as error:
        raise UnfitRequest(f"the request's extensions make no sense: {error}") from error


def _subject(request: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(item.value) for item in request.subject.get_attributes_for_oid(oid)]


def _listed(usages: Collection[str]) -> str:
    return f"[{' '.join(sorted(usages))}]"
