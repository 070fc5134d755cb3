"""What is in a signed certificate, and when requests are cleared away."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from apimachinery.objects import Object, format_time
from controller.certificates.expiry import is_over
from controller.certificates.rules import UnfitRequest
from controller.certificates.signing import AuthorityError, load_authority, sign, validity
from tests.unit.controller.certificates.requests import CLIENT_USAGES, authority, csr, request

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


def signed(
    lasting: timedelta = timedelta(days=1), usages: list[str] = CLIENT_USAGES, days: float = 365
) -> x509.Certificate:
    """A certificate for a request with a name, by a CA that ends in so many days."""
    pem = sign(authority(NOW, days=days), request(dns=("n1",)), usages, lasting, now=NOW, serial=77)
    return x509.load_pem_x509_certificate(pem)


def test_what_the_certificate_says() -> None:
    ca, wanted = authority(NOW), request(dns=("n1",))
    made = x509.load_pem_x509_certificate(sign(ca, wanted, CLIENT_USAGES, timedelta(days=1), now=NOW, serial=77))
    made.verify_directly_issued_by(ca.certificate)
    assert made.subject == wanted.subject
    assert made.public_key() == wanted.public_key()
    assert made.serial_number == 77
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment and not usage.key_cert_sign
    extended = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n1"]


def test_how_long_it_is_valid() -> None:
    day = signed(timedelta(days=1))
    assert day.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert day.not_valid_after_utc == NOW + timedelta(days=1) - timedelta(minutes=5)
    assert signed(timedelta(hours=1)).not_valid_after_utc == NOW + timedelta(hours=1)
    assert signed(timedelta(days=9), days=2).not_valid_after_utc == NOW + timedelta(days=2)
    with pytest.raises(AuthorityError, match="expired"):
        signed(days=-1)


def test_asked_for_validity_is_kept_within_bounds() -> None:
    assert validity(None, YEAR) == YEAR
    assert validity(60, YEAR) == timedelta(minutes=10)
    assert validity(3600, YEAR) == timedelta(hours=1)
    assert validity(10**9, YEAR) == YEAR


def test_unknown_usages_are_refused() -> None:
    with pytest.raises(UnfitRequest, match="unrecognized usage values"):
        signed(usages=["client auth", "world domination"])


def test_a_key_of_another_ca_is_noticed(tmp_path: Path) -> None:
    one, other = authority(NOW), authority(NOW)
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    certificate.write_bytes(one.certificate.public_bytes(serialization.Encoding.PEM))
    for source in (one, other):
        key.write_bytes(
            source.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        if source is one:
            assert load_authority(str(certificate), str(key)).certificate == one.certificate
    with pytest.raises(AuthorityError, match="is not that of the CA certificate"):
        load_authority(str(certificate), str(key))
    with pytest.raises(AuthorityError, match="No such file"):
        load_authority(str(certificate), str(tmp_path / "none"))


def aged(type: str = "", hours: float = 0) -> Object:
    """A request made, and decided, so many hours ago."""
    moment = format_time(NOW - timedelta(hours=hours))
    made = csr(conditions=({"type": type, "status": "True", "lastUpdateTime": moment},) if type else ())
    made["metadata"]["creationTimestamp"] = moment
    return made


def test_when_a_request_goes() -> None:
    for type in ("Approved", "Denied", "Failed"):
        assert not is_over(aged(type, 0.9), NOW)
        assert is_over(aged(type, 1.1), NOW)
    assert not is_over(aged(hours=23), NOW)
    assert is_over(aged(hours=25), NOW)


def test_an_expired_certificate_goes_at_once() -> None:
    made = aged("Approved", 0.1)
    pem = sign(authority(NOW), request(), CLIENT_USAGES, timedelta(minutes=10), now=NOW, serial=1)
    made["status"]["certificate"] = base64.b64encode(pem).decode()
    assert not is_over(made, NOW)
    assert is_over(made, NOW + timedelta(minutes=11))
