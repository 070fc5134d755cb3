"""Warnings about node labels that have newer names, wherever nodes are selected.

Pure (k8s.io/kubernetes/pkg/api/node/util.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OLD = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}


def selector_warnings(selector: Mapping[str, str] | None, path: str) -> list[str]:
    """A nodeSelector."""
    return [f"{path}[{key}]: {_OLD[key]}" for key in selector or {} if key in _OLD]


def key_warnings(key: str, path: str) -> list[str]:
    """A key that stands in a field of its own."""
    return [f"{path}: {key} is {_OLD[key]}"] if key in _OLD else []


def term_warnings(term: Mapping[str, Any], path: str) -> list[str]:
    """A term of a node affinity."""
    return [
        text
        for index, expression in enumerate(term.get("matchExpressions") or ())
        for text in key_warnings(expression.get("key") or "", f"{path}.matchExpressions[{index}].key")
    ]
