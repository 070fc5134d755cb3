"""Labels of nodes that have newer names, and the warnings about selecting by the old ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OLD_NODE_LABELS: Final[Mapping[str, str]] = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}


def label_selector_warnings(selector: Mapping[str, Any] | None, path: str) -> list[str]:
    """GetWarningsForNodeSelector: of a LabelSelector that chooses nodes."""
    if selector is None:
        return []
    found = []
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        if text := OLD_NODE_LABELS.get(expression.get("key") or ""):
            found.append(f"{path}.matchExpressions[{index}].key: {expression['key']} is {text}")
    for key in selector.get("matchLabels") or {}:
        if text := OLD_NODE_LABELS.get(key):
            found.append(f"{path}.matchLabels.{key}: {text}")
    return found
