"""Which controllers run beside the API server of these tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubetest import COLLECTORS


@pytest.fixture(scope="session")
def kube_api_options() -> Mapping[str, Any]:
    """Namespaces are emptied, service accounts made, orphans deleted."""
    return {"controllers": COLLECTORS}
