"""CertificateSigningRequests: signers, and what each subresource may write."""

from __future__ import annotations

import base64
import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from api.certificates.csr import SIGNING_REQUEST, SIGNING_REQUEST_APPROVAL, SIGNING_REQUEST_STATUS
from api.kind import Strategy
from apimachinery.objects import Object
from tests.unit.api.samples import complaints

KEY = ec.generate_private_key(ec.SECP256R1())
SIGNED = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "u")]))
    .sign(KEY, hashes.SHA256())
)
DER = SIGNED.public_bytes(Encoding.DER)


def pem(kind: str, der: bytes, headers: str = "") -> str:
    """As the API has it: PEM in base64."""
    body = base64.b64encode(der).decode()
    return base64.b64encode(f"-----BEGIN {kind}-----\n{headers}{body}\n-----END {kind}-----\n".encode()).decode()


REQUEST = pem("CERTIFICATE REQUEST", DER)
CERTIFICATE = pem("CERTIFICATE", b"0\x03abc0\x81\x01a")
BEFORE, NOW = "2023-01-01T00:00:00Z", "2023-08-15T00:00:00Z"
APPROVED, DENIED = ({"type": kind, "status": "True"} for kind in ("Approved", "Denied"))


def request(**spec: Any) -> Object:
    wanted = {"request": REQUEST, "usages": ["client auth"], "signerName": "a.b/c", **spec}
    return {"metadata": {"name": "x"}, "spec": wanted}


def written(strategy: Strategy, before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The status that is stored, and what is said of it."""
    old, new = ({**copy.deepcopy(request()), "status": copy.deepcopy(status)} for status in (before, after))
    strategy.prepare_update(new, old)
    return new["status"], [str(error) for error in strategy.validate_update(new, old)]


def test_the_order_of_what_is_said() -> None:
    assert complaints(SIGNING_REQUEST, request(usages=["odd", "any", "any"], signerName="", expirationSeconds=1))[
        1:
    ] == [
        'spec.usages[2]: Duplicate value: "any"',
        "spec.signerName: Required value",
        "spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 600 seconds (10 minutes)",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("example.com/signer", []),
        ("kubernetes.io/legacy-unknown", ["the legacy signerName is not allowed via this API version"]),
        ("a.b/c/d", ["must be a fully qualified domain and path of the form 'example.com/signer-name'"]),
        ("a/c", ["should be a domain with at least two segments separated by dots"]),
        ("a.B/c", ['validating label "B": a lowercase RFC 1123 label must consist of']),
        ("a.b/c._", ['validating label "_": a lowercase RFC 1123 subdomain must consist of']),
    ],
)
def test_signers(name: str, told: list[str]) -> None:
    errors = complaints(SIGNING_REQUEST, request(signerName=name))
    assert len(errors) == len(told), errors
    for error, text in zip(errors, told, strict=True):
        assert error.startswith("spec.signerName: Invalid value: ")
        assert text in error


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [APPROVED], []),
        ([APPROVED], [], ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']),
        (
            [APPROVED],
            [APPROVED, DENIED],
            [
                'status.conditions[1].type: Invalid value: "Denied": '
                "Approved and Denied conditions are mutually exclusive"
            ],
        ),
        ([], [{"type": "Mine", "status": "Odd"}], ['status.conditions[0].status: Unsupported value: "Odd"']),
        ([], [{**APPROVED, "status": "False"}], ['status.conditions[0].status: Unsupported value: "False"']),
        ([], [{"status": "True"}], ["status.conditions[0].type: Required value"]),
        ([{"status": "True"}], [{"status": "True"}], []),
    ],
)
def test_approval(before: list[Any], after: list[Any], told: list[str]) -> None:
    _, errors = written(SIGNING_REQUEST_APPROVAL, {"conditions": before}, {"conditions": after})
    assert len(errors) == len(told), errors
    assert all(error.startswith(start) for error, start in zip(errors, told, strict=True))


def test_approval_writes_no_certificate() -> None:
    status, _ = written(SIGNING_REQUEST_APPROVAL, {}, {"conditions": [APPROVED], "certificate": CERTIFICATE})
    assert status == {"conditions": [APPROVED]}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"certificate": CERTIFICATE}, []),
        (
            {},
            {"certificate": REQUEST},
            [
                'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, '
                'found "CERTIFICATE REQUEST"'
            ],
        ),
        (
            {},
            {"certificate": "YQ=="},
            [
                'status.certificate: Invalid value: "<certificate data>": '
                "must contain at least one CERTIFICATE PEM block"
            ],
        ),
        (
            {"certificate": CERTIFICATE},
            {},
            ["status.certificate: Forbidden: updates may not modify existing certificate content"],
        ),
        (
            {},
            {"conditions": [APPROVED]},
            ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
        ),
        (
            {"conditions": [APPROVED]},
            {},
            ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
        ),
    ],
)
def test_the_signer_s_part(before: dict[str, Any], after: dict[str, Any], told: list[str]) -> None:
    assert written(SIGNING_REQUEST_STATUS, before, after)[1] == told


def test_the_signer_cannot_change_what_was_said_of_the_approval() -> None:
    failed = {"type": "Failed", "status": "True"}
    after = {"conditions": [failed, {**APPROVED, "reason": "Mine"}]}
    status, errors = written(SIGNING_REQUEST_STATUS, {"conditions": [APPROVED]}, after)
    assert (status, errors) == ({"conditions": [failed, APPROVED]}, [])


@pytest.mark.parametrize("strategy", [SIGNING_REQUEST_APPROVAL, SIGNING_REQUEST_STATUS])
@pytest.mark.parametrize(
    ("before", "after", "updated", "changed"),
    [
        ([], {}, NOW, NOW),
        ([], {"lastUpdateTime": BEFORE}, BEFORE, NOW),
        ([], {"lastUpdateTime": None, "lastTransitionTime": BEFORE}, NOW, BEFORE),
        ([{"status": "True", "lastTransitionTime": BEFORE}], {}, NOW, BEFORE),
        ([{"status": "True"}], {}, NOW, NOW),
        ([{"status": "False", "lastTransitionTime": BEFORE}], {}, NOW, NOW),
    ],
)
def test_conditions_say_since_when(
    strategy: Strategy, before: list[dict[str, Any]], after: dict[str, Any], updated: str, changed: str
) -> None:
    old, new = request(), request()
    old["status"] = {"conditions": [{"type": "Failed", **each} for each in before]}
    new["status"] = {"conditions": [{"type": "Failed", "status": "True", **after}]}
    untouched = copy.deepcopy(old)
    strategy.prepare_update(new, old)
    strategy.note_time(new, old, datetime(2023, 8, 15, tzinfo=UTC))
    (condition,) = new["status"]["conditions"]
    assert (condition["lastUpdateTime"], condition["lastTransitionTime"]) == (updated, changed)
    assert old == untouched


def test_requests_without_conditions_stay_without() -> None:
    old, new = request(), request()
    SIGNING_REQUEST_STATUS.prepare_update(new, old)
    SIGNING_REQUEST_STATUS.note_time(new, old, datetime(2023, 8, 15, tzinfo=UTC))
    assert not new["status"].get("conditions")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (DER, ""),
        (b"", "asn1: syntax error: sequence truncated"),
        (b"a", "asn1: structure error: no certificate request"),
        (DER + b"a", "asn1: structure error: no certificate request"),
        (DER[:-1] + bytes([DER[-1] ^ 1]), "x509: ECDSA verification failure"),
    ],
)
def test_requests_are_signed_by_their_own_key(body: bytes, told: str) -> None:
    errors = complaints(SIGNING_REQUEST, request(request=pem("CERTIFICATE REQUEST", body)))
    assert [error.rpartition("}: ")[2] for error in errors] == ([told] if told else [])


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (rsa.generate_private_key(65537, 2048), "crypto/rsa: verification error"),
        (ed25519.Ed25519PrivateKey.generate(), "x509: Ed25519 verification failure"),
    ],
)
def test_signatures_of_other_keys(key: Any, told: str) -> None:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    der = made.public_bytes(Encoding.DER)
    assert complaints(SIGNING_REQUEST, request(request=pem("CERTIFICATE REQUEST", der))) == []
    (error,) = complaints(SIGNING_REQUEST, request(request=pem("CERTIFICATE REQUEST", der[:-1] + bytes([der[-1] ^ 1]))))
    assert error.endswith(f"}}: {told}")


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        (pem("CERTIFICATE", b""), "found CERTIFICATE PEM block containing 0 certificates"),
        (pem("CERTIFICATE", b"a"), "x509: malformed certificate"),
        (pem("CERTIFICATE", b"0"), "x509: malformed certificate"),
        (pem("CERTIFICATE", b"0\x04abc"), "x509: malformed certificate"),
        (pem("CERTIFICATE", b"0\x03abc", "a: b\n\n"), "no PEM block headers are permitted"),
    ],
)
def test_certificates_that_are_none(certificate: str, told: str) -> None:
    _, errors = written(SIGNING_REQUEST_STATUS, {}, {"certificate": certificate})
    assert errors == [f'status.certificate: Invalid value: "<certificate data>": {told}']
