"""Which requests each signer takes."""

from __future__ import annotations

import pytest
from cryptography import x509

from controller.certificates import rules, states
from controller.certificates.approver import recognized
from controller.certificates.states import awaits_signature
from tests.unit.controller.certificates.requests import CLIENT_USAGES, NODE, SERVING_USAGES, csr, request

APPROVED = {"type": "Approved", "status": "True"}


@pytest.mark.parametrize("usages", [CLIENT_USAGES, [*CLIENT_USAGES, "key encipherment"]])
def test_a_kubelet_gets_its_client_certificate(usages: list[str]) -> None:
    rules.check(states.KUBELET_CLIENT, request(), usages)


@pytest.mark.parametrize(
    ("wanted", "usages", "reason"),
    [
        (request(NODE, "system:masters"), CLIENT_USAGES, "subject organization is not system:nodes"),
        (request(NODE, "system:nodes", "more"), CLIENT_USAGES, "subject organization is not system:nodes"),
        (request("n1"), CLIENT_USAGES, "subject common name does not begin with system:node:"),
        (request(dns=("n1",)), CLIENT_USAGES, "DNS subjectAltNames are not allowed"),
        (request(ips=("10.0.0.1",)), CLIENT_USAGES, "IP subjectAltNames are not allowed"),
        (request(), SERVING_USAGES, "usages did not match [client auth digital signature key encipherment]"),
        (request(), [], "usages did not match [client auth digital signature key encipherment]"),
    ],
)
def test_what_is_no_kubelet_client(wanted: x509.CertificateSigningRequest, usages: list[str], reason: str) -> None:
    with pytest.raises(rules.UnfitRequest) as error:
        rules.check(states.KUBELET_CLIENT, wanted, usages)
    assert str(error.value) == reason


def test_a_serving_certificate_needs_a_name() -> None:
    rules.check(states.KUBELET_SERVING, request(dns=("n1",), ips=("10.0.0.1",)), SERVING_USAGES)
    with pytest.raises(rules.UnfitRequest, match="DNS or IP subjectAltName is required"):
        rules.check(states.KUBELET_SERVING, request(), SERVING_USAGES)
    with pytest.raises(rules.UnfitRequest, match="usages did not match"):
        rules.check(states.KUBELET_SERVING, request(dns=("n1",)), CLIENT_USAGES)


def test_usages_of_api_clients() -> None:
    anyone = request("jane", "dev")
    rules.check(states.CLIENT, anyone, ["client auth"])
    with pytest.raises(rules.UnfitRequest, match="invalid usage for client certificate: server auth"):
        rules.check(states.CLIENT, anyone, ["client auth", "server auth"])
    with pytest.raises(rules.UnfitRequest, match="missing required usage for client certificate: client auth"):
        rules.check(states.CLIENT, anyone, ["digital signature"])


def test_what_may_be_approved_as_what() -> None:
    assert [name for name, _ in recognized(csr())] == ["nodeclient"]
    assert [name for name, _ in recognized(csr(username=NODE))] == ["selfnodeclient", "nodeclient"]
    assert recognized(csr(signerName=states.CLIENT)) == []
    assert recognized(csr(usages=SERVING_USAGES)) == []
    assert recognized(csr(b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")) == []


def test_only_the_approved_are_signed_and_only_once() -> None:
    signer = states.KUBELET_CLIENT
    assert not awaits_signature(csr(), signer)
    assert awaits_signature(csr(conditions=(APPROVED,)), signer)
    assert not awaits_signature(csr(conditions=(APPROVED,)), states.CLIENT)
    assert not awaits_signature(csr(conditions=(APPROVED, {"type": "Failed", "status": "True"})), signer)
    assert not awaits_signature(csr(conditions=({"type": "Denied", "status": "True"},)), signer)
    issued = csr(conditions=(APPROVED,))
    issued["status"]["certificate"] = "Y2VydA=="
    assert not awaits_signature(issued, signer)
