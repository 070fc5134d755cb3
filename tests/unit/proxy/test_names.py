"""Chain names are those that every Kubernetes node has for well-known services."""

from __future__ import annotations

import pytest

from proxy.rules import names


@pytest.mark.parametrize(
    ("full_name", "protocol", "chain"),
    [
        ("default/kubernetes:https", "tcp", "KUBE-SVC-NPX46M4PTMTKRN6Y"),
        ("kube-system/kube-dns:dns", "udp", "KUBE-SVC-TCOU7JCQXEZGVUNU"),
        ("kube-system/kube-dns:dns-tcp", "tcp", "KUBE-SVC-ERIFXISQEP7F7OF4"),
    ],
)
def test_service_chains_have_the_names_of_the_reference(full_name: str, protocol: str, chain: str) -> None:
    assert names.service_chain(names.CLUSTER_POLICY, full_name, protocol) == chain


def test_names_fit_into_the_kernel() -> None:
    chain = names.endpoint_chain("a" * 63 + "/" + "b" * 63, "sctp", "255.255.255.255:65535")
    assert len(chain) <= names.MAX_LENGTH
