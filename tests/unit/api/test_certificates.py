"""CertificateSigningRequests: signers, and what each subresource may write."""

from __future__ import annotations

import base64
import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from api.certificates.csr import SIGNING_REQUEST, SIGNING_REQUEST_APPROVAL, SIGNING_REQUEST_STATUS
from api.kind import Strategy
from apimachinery.objects import Object
from tests.unit.api.samples import complaints

REQUEST = base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\nYQ==\n-----END CERTIFICATE REQUEST-----\n").decode()
CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n").decode()
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
