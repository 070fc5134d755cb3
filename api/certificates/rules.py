"""Rules of CertificateSigningRequests: usages, signers, conditions (pkg/apis/certificates/validation). Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from api.gosyntax import byte_list, raw
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
APPROVAL = ("Approved", "Denied")
#: Conditions that stay once they are there, and cannot but be true.
_LASTING = (*APPROVAL, "Failed")
_STATUSES = ("False", "True", "Unknown")
_LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)
_MIN_SECONDS, _MAX_SIGNER = 600, 571
_SEQUENCE = 0x30  #: the first byte of an ASN.1 sequence
#: What is said of signatures that are not of the key.
_BAD_SIGNATURES = (
    (rsa.RSAPublicKey, "crypto/rsa: verification error"),
    (ec.EllipticCurvePublicKey, "x509: ECDSA verification failure"),
    (ed25519.Ed25519PublicKey, "x509: Ed25519 verification failure"),
)
_UNKNOWN_ALGORITHM = "x509: cannot verify signature: algorithm unimplemented"


def validate_request_spec(spec: Mapping[str, Any]) -> list[FieldError]:
    """The spec of a new request."""
    errors = _validate_request(spec.get("request") or "")
    usages = spec.get("usages") or []
    if not usages:
        errors.append(fe.required("spec.usages"))
    errors += [
        fe.not_supported(f"spec.usages[{i}]", usage, USAGES) for i, usage in enumerate(usages) if usage not in USAGES
    ]
    errors += [fe.duplicate(f"spec.usages[{i}]", usage) for i, usage in enumerate(usages) if usage in usages[:i]]
    errors += _validate_signer(spec.get("signerName") or "", "spec.signerName")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _MIN_SECONDS:
        text = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(fe.invalid("spec.expirationSeconds", seconds, text))
    return errors


def _are_sequences(der: bytes) -> bool:
    """Whether this is one ASN.1 sequence after the other, as certificates are."""
    at = 0
    while at < len(der):
        if der[at] != _SEQUENCE or at + 2 > len(der):
            return False
        size, at = der[at + 1], at + 2
        if size & 0x80:
            more = size & 0x7F
            size, at = int.from_bytes(der[at : at + more]), at + more
        at += size
    return at == len(der)


def _decoded(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _validate_request(encoded: str) -> list[FieldError]:
    """A PEM block of the right type with a request that is signed by its own key."""
    data = _decoded(encoded)
    block = _PEM.search(data)
    if block is None or block[1] != b"CERTIFICATE REQUEST":
        text = "PEM block type must be CERTIFICATE REQUEST"
    else:
        text = _request_problem(_decoded(block[2]))
    return [fe.invalid("spec.request", raw(byte_list(data)), text)] if text else []


def _request_problem(der: bytes) -> str:
    if not der:
        return "asn1: syntax error: sequence truncated"
    try:
        request = x509.load_der_x509_csr(der)
        key, is_signed = request.public_key(), request.is_signature_valid
    except (ValueError, x509.InvalidVersion):
        return "asn1: structure error: no certificate request"
    except (TypeError, UnsupportedAlgorithm):
        return _UNKNOWN_ALGORITHM
    if is_signed:
        return ""
    return next((text for kind, text in _BAD_SIGNATURES if isinstance(key, kind)), _UNKNOWN_ALGORITHM)


def _validate_signer(name: str, path: str) -> list[FieldError]:
    if not name:
        return [fe.required(path)]
    if name == _LEGACY_SIGNER:
        return [fe.invalid(path, name, "the legacy signerName is not allowed via this API version")]
    if name.count("/") != 1:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [fe.invalid(path, name, text)]
    domain, _, rest = name.partition("/")
    errors: list[FieldError] = []
    if len(domain) > names.SUBDOMAIN_MAX:
        errors.append(fe.too_long(path, domain, names.SUBDOMAIN_MAX))
    errors += _validate_labels(domain, path, names.dns1123_label)
    if "." not in domain:
        errors.append(fe.invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    errors += _validate_labels(rest, path, names.dns1123_subdomain)
    if len(name) > _MAX_SIGNER:
        errors.append(fe.too_long(path, name, _MAX_SIGNER))
    return errors


def _validate_labels(text: str, path: str, rule: names.NameRule) -> list[FieldError]:
    """What is wrong with the first label that is wrong."""
    for label in text.split("."):
        if problems := rule(label, False):
            return [fe.invalid(path, text, f"validating label {fe.go_quote(label)}: {problem}") for problem in problems]
    return []


def conditions_of(obj: Object, kind: str) -> list[dict[str, Any]]:
    """The conditions of a type: one, or none."""
    return [c for c in (obj.get("status") or {}).get("conditions") or () if c.get("type") == kind]


def validate_request_conditions(new: Object, old: Object) -> list[FieldError]:
    """Well-formed, of different types, and not both approved and denied; what was wrong before may stay so."""
    errors: list[FieldError] = []
    may_repeat, may_lack_type = _repeats(old), "" in _types(old)
    may_be_both = all(conditions_of(old, kind) for kind in APPROVAL)
    seen: list[str] = []
    for index, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
        path, kind, status = f"status.conditions[{index}]", condition.get("type") or "", condition.get("status") or ""
        if not kind and not may_lack_type:
            errors.append(fe.required(f"{path}.type"))
        allowed = ("True",) if kind in _LASTING else _STATUSES
        if not status:
            errors.append(fe.required(f"{path}.status"))
        elif status not in allowed:
            errors.append(fe.not_supported(f"{path}.status", status, allowed))
        if kind in APPROVAL and not may_be_both and any(other in seen for other in APPROVAL if other != kind):
            text = "Approved and Denied conditions are mutually exclusive"
            errors.append(fe.invalid(f"{path}.type", kind, text))
        if kind in seen and not may_repeat:
            errors.append(fe.duplicate(f"{path}.type", kind))
        seen.append(kind)
    return errors


def _repeats(obj: Object) -> bool:
    kinds = _types(obj)
    return len(set(kinds)) < len(kinds)


def _types(obj: Object) -> list[str]:
    return [c.get("type") or "" for c in (obj.get("status") or {}).get("conditions") or ()]


def validate_removed(new: Object, old: Object) -> list[FieldError]:
    """Approval, denial and failure are not taken back."""
    return [
        fe.forbidden("status.conditions", f"updates may not remove a condition of type {fe.go_quote(kind)}")
        for kind in _LASTING
        if len(conditions_of(new, kind)) < len(conditions_of(old, kind))
    ]


def validate_certificate(new: Object, old: Object) -> list[FieldError]:
    """A certificate that is written is PEM, and nothing but certificates."""
    written, before = ((obj.get("status") or {}).get("certificate") or "" for obj in (new, old))
    if not written or written == before or _certificate_problem(_decoded(before)):
        return []
    problem = _certificate_problem(_decoded(written))
    return [fe.invalid("status.certificate", "<certificate data>", problem)] if problem else []


def _certificate_problem(data: bytes) -> str:
    if not data:
        return ""
    blocks = list(_PEM.finditer(data))
    for block in blocks:
        if block[1] != b"CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {fe.go_quote(block[1].decode())}"
        if b":" in block[2]:
            return "no PEM block headers are permitted"
        der = _decoded(block[2])
        if not der:
            return "found CERTIFICATE PEM block containing 0 certificates"
        if not _are_sequences(der):
            return "x509: malformed certificate"
    return "" if blocks else "must contain at least one CERTIFICATE PEM block"
