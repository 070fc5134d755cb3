"""The e2e tests need the cluster that deploy/up.sh has started; they drive it with real kubectl binaries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Kubectl, eventually
from tests.kubectl import CURRENT, OLD


@pytest.fixture(params=[pytest.param(OLD, id="kubectl-1.20"), pytest.param(CURRENT, id="kubectl-current")])
def any_kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """Each supported kubectl in turn, in the namespace `default`."""
    return Kubectl(request.param)


@pytest.fixture
def kubectl() -> Iterator[Kubectl]:
    """The current kubectl in a namespace of the test's own, which is gone afterwards."""
    namespace = f"e2e-{uuid.uuid4().hex[:8]}"
    client = Kubectl(CURRENT, namespace)
    client("create", "namespace", namespace)
    eventually(lambda: client("get", "serviceaccount", "default"), seconds=20, what="the default service account")
    yield client
    client("delete", "namespace", namespace, "--timeout=90s", timeout=120)
