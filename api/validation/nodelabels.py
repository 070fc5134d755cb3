"""Labels of nodes that have newer names, and the warnings about selecting nodes by the old ones.

Pure (k8s.io/kubernetes/pkg/api/node/util.go)."""

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


def selector_warnings(selector: Mapping[str, str] | None, path: str) -> list[str]:
    """A nodeSelector of a pod."""
    return [f"{path}[{key}]: {OLD_NODE_LABELS[key]}" for key in selector or {} if key in OLD_NODE_LABELS]


def key_warnings(key: str, path: str) -> list[str]:
    """A key that stands in a field of its own."""
    return [f"{path}: {key} is {OLD_NODE_LABELS[key]}"] if key in OLD_NODE_LABELS else []


def term_warnings(term: Mapping[str, Any], path: str) -> list[str]:
    """The expressions of a term of a node affinity, or of a label selector."""
    return [
        text
        for index, expression in enumerate(term.get("matchExpressions") or ())
        for text in key_warnings(expression.get("key") or "", f"{path}.matchExpressions[{index}].key")
    ]


def label_selector_warnings(selector: Mapping[str, Any] | None, path: str) -> list[str]:
    """GetWarningsForNodeSelector: of a LabelSelector that chooses nodes."""
    if selector is None:
        return []
    named = [key for key in selector.get("matchLabels") or {} if key in OLD_NODE_LABELS]
    return term_warnings(selector, path) + [f"{path}.matchLabels.{key}: {OLD_NODE_LABELS[key]}" for key in named]
