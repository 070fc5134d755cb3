"""kubernetes_feature_enabled: which of the feature gates that mean something here are on."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Gauge

from apiserver.features import policies_enforced
from component.merging import same_everywhere

_ENABLED = Gauge("kubernetes_feature_enabled", "Feature gates: 1 where one is on.", ("name", "stage"))
same_everywhere("kubernetes_feature_enabled")


def show(feature_gates: Sequence[str]) -> None:
    """Tell of the gates as --feature-gates sets them."""
    _ENABLED.labels("ValidatingAdmissionPolicy", "BETA").set(policies_enforced(feature_gates))
