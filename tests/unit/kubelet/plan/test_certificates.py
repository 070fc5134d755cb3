"""When certificates are renewed, and what an answered request says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from apimachinery.objects import Object
from kubelet.plan.certificates import (
    CLIENT,
    RequestRefused,
    issued,
    kubeconfig,
    renewal_time,
    serving_names,
    signing_request,
)

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def answered(*conditions: Object, certificate: bytes = b"") -> Object:
    """A request with this status."""
    status: Object = {"conditions": list(conditions)}
    if certificate:
        status["certificate"] = base64.b64encode(certificate).decode()
    return {"metadata": {"name": "csr-1"}, "status": status}


APPROVED = {"type": "Approved", "status": "True"}


def test_renewed_between_seventy_and_ninety_percent() -> None:
    end = NOW + timedelta(days=100)
    assert renewal_time(NOW, end, 0.0) == NOW + timedelta(days=70)
    assert renewal_time(NOW, end, 1.0) == NOW + timedelta(days=90)


def test_an_answer_is_waited_for() -> None:
    assert issued({"metadata": {"name": "csr-1"}}) is None
    assert issued(answered(APPROVED)) is None
    assert issued(answered(certificate=b"x")) is None
    assert issued(answered(APPROVED, certificate=b"x")) == b"x"


@pytest.mark.parametrize(("type", "verb"), [("Denied", "was denied"), ("Failed", "failed")])
def test_a_refusal_says_why(type: str, verb: str) -> None:
    told = {"type": type, "status": "True", "reason": "R", "message": "M"}
    with pytest.raises(RequestRefused, match=f"csr-1 {verb}, reason: R, message: M"):
        issued(answered(APPROVED, told))


def test_the_request_and_what_comes_of_it() -> None:
    assert signing_request(CLIENT, b"pem", name="node-csr-1")["metadata"] == {"name": "node-csr-1"}
    made = signing_request(CLIENT, b"pem")
    assert made["metadata"] == {"generateName": "csr-"}
    assert made["spec"]["usages"] == ["digital signature", "client auth"]
    config = kubeconfig({"server": "https://m:6443"}, "/pki/current.pem")
    assert config["clusters"][0]["cluster"] == {"server": "https://m:6443"}
    assert config["users"][0]["user"] == {"client-certificate": "/pki/current.pem", "client-key": "/pki/current.pem"}


def test_names_of_the_serving_certificate() -> None:
    addresses = [
        {"type": "InternalIP", "address": "10.0.0.7"},
        {"type": "ExternalIP", "address": "10.0.0.7"},
        {"type": "Hostname", "address": "n7"},
    ]
    assert serving_names(addresses) == (["n7"], ["10.0.0.7"])
