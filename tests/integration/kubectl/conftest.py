"""One API server with every controller, and each kubectl in a namespace of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from kubetest import ApiServer
from kubetest.plugin import kube_api
from tests.kubectl import CURRENT, OLD, Kubectl

__all__ = ["kube_api", "kube_api_options"]


@pytest.fixture(scope="session")
def kube_api_options() -> Mapping[str, Any]:
    """There are no nodes: pods stay Pending, and what has no replicas is complete."""
    return {"controllers": ("*",)}


@pytest.fixture(params=[pytest.param(OLD, id="1.20"), pytest.param(CURRENT, id="current")])
def kubectl(request: pytest.FixtureRequest, kube_api: ApiServer) -> Iterator[Kubectl]:
    """In a fresh namespace, with its default service account; the namespace is deleted afterwards."""
    namespace = f"k-{uuid.uuid4().hex[:8]}"
    client = Kubectl(request.param, namespace, str(kube_api.kubeconfig))
    client("create", "namespace", namespace)
    yield client
    client("delete", "namespace", namespace, "--wait=false")
