"""A certificate from an approved request: what goes in, and for how long."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from controller.certificates.rules import UnfitRequest

#: A client's clock may be behind; certificates that are valid for less than `_SHORT` keep their whole time ahead.
_BACKDATE = timedelta(minutes=5)
_SHORT = timedelta(hours=8)
#: spec.expirationSeconds below this is taken as this.
_MIN_VALIDITY = timedelta(minutes=10)

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED_USAGES = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}


class AuthorityError(ValueError):
    """The CA's files cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its certificate and its key."""

    certificate: x509.Certificate
    key: RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


def load_authority(certificate_file: str, key_file: str) -> Authority:
    """Reads both files (PEM). Raises AuthorityError."""
    try:
        certificate = x509.load_pem_x509_certificate(Path(certificate_file).read_bytes())
        key = load_pem_private_key(Path(key_file).read_bytes(), password=None)
    except OSError as error:
        raise AuthorityError(f"error reading CA {error.filename}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityError(f"error parsing CA {certificate_file} and {key_file}: {error}") from error
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise AuthorityError(f"error parsing CA key {key_file}: only RSA, ECDSA and Ed25519 keys are supported")
    if certificate.public_key() != key.public_key():
        raise AuthorityError(f"the key {key_file} is not that of the CA certificate {certificate_file}")
    return Authority(certificate, key)


def validity(expiration_seconds: int | None, longest: timedelta) -> timedelta:
    """How long a certificate is to be valid: what was asked for, between ten minutes and --cluster-signing-duration."""
    if expiration_seconds is None:
        return longest
    return min(max(timedelta(seconds=expiration_seconds), _MIN_VALIDITY), longest)


def random_serial() -> int:
    """A serial number that nobody can guess."""
    return x509.random_serial_number()


def sign(
    authority: Authority,
    request: x509.CertificateSigningRequest,
    usages: Collection[str],
    lasting: timedelta,
    *,
    now: datetime,
    serial: int,
) -> bytes:
    """The signed certificate as PEM: subject, key and alternative names are the request's, the rest is the policy's;
    other extensions asked for are left out. Raises UnfitRequest."""
    if not request.is_signature_valid:
        raise UnfitRequest("unable to verify certificate request signature")
    end = authority.certificate.not_valid_after_utc
    not_after = min(now + lasting - (timedelta(0) if lasting < _SHORT else _BACKDATE), end)
    if not_after <= now:
        raise AuthorityError("refusing to sign a certificate that expired in the past: the CA has expired")
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(serial)
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_issuer_key(authority.certificate), critical=False)
    )
    builder = _with_usages(builder, usages)
    for extension in request.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    algorithm = None if isinstance(authority.key, Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(authority.key, algorithm).public_bytes(Encoding.PEM)


def _with_usages(builder: x509.CertificateBuilder, usages: Collection[str]) -> x509.CertificateBuilder:
    unknown = [usage for usage in usages if usage not in _KEY_USAGES and usage not in _EXTENDED_USAGES]
    if unknown:
        raise UnfitRequest(f"unrecognized usage values: {unknown}")
    bits = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if bits:
        agreement = "key_agreement" in bits
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature="digital_signature" in bits,
                content_commitment="content_commitment" in bits,
                key_encipherment="key_encipherment" in bits,
                data_encipherment="data_encipherment" in bits,
                key_agreement=agreement,
                key_cert_sign="key_cert_sign" in bits,
                crl_sign="crl_sign" in bits,
                # X.509 gives these two a meaning only beside key agreement.
                encipher_only=agreement and "encipher_only" in bits,
                decipher_only=agreement and "decipher_only" in bits,
            ),
            critical=True,
        )
    extended = dict.fromkeys(oid for usage, oid in _EXTENDED_USAGES.items() if usage in usages)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(extended)), critical=False)
    return builder


def _issuer_key(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)
