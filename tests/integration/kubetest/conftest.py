"""The plugin's own fixtures, with the collectors running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubetest import COLLECTORS
from kubetest.plugin import fresh_kube_api, kube_api

__all__ = ["fresh_kube_api", "kube_api", "kube_api_options"]


@pytest.fixture(scope="session")
def kube_api_options() -> Mapping[str, Any]:
    """Namespaces are emptied, service accounts made, orphans deleted."""
    return {"controllers": COLLECTORS}
