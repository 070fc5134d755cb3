"""Warnings about ports of a pod's containers that get in each other's way, though no rule forbids them.

Pure (k8s.io/kubernetes/pkg/api/pod/warnings.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.core.pod.annotations import each_container

#: As Go prints the fields of a port.
_SHOWN = (
    ("Name", "name", ""), ("HostPort", "hostPort", 0), ("ContainerPort", "containerPort", 0),
    ("Protocol", "protocol", ""), ("HostIP", "hostIP", ""),
)  # fmt: skip


def port_warnings(spec: Mapping[str, Any], path: str) -> list[str]:
    """Each port against all that came before it, in whichever container."""
    found: list[str] = []
    seen: dict[tuple[int, str], list[tuple[str, Mapping[str, Any]]]] = {}
    for container, here in each_container(spec, path):
        for index, port in enumerate(container.get("ports") or ()):
            field = f"{here}.ports[{index}]"
            if port.get("hostIP") and not port.get("hostPort"):
                found.append(f"{field}: hostIP set without hostPort: {_shown(port)}")
            others = seen.setdefault((port.get("containerPort") or 0, port.get("protocol") or ""), [])
            for other_field, other in others:
                if conflict := _conflict(port, other):
                    found.append(f"{field}: {conflict} port definition with {other_field}")
            others.append((field, port))
    return found


def _conflict(port: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """In one word, how two definitions of the same port conflict; "" where they can both stand."""
    numbers = [each.get("hostPort") or 0 for each in (port, other)]
    addresses = [each.get("hostIP") or "" for each in (port, other)]
    if numbers[0] == numbers[1] and addresses[0] == addresses[1]:
        return "duplicate"
    if 0 in numbers:
        return "overlapping"
    # One binds every address of the node and the other a certain one: which of them gets the traffic is not defined.
    if numbers[0] == numbers[1] and "" in addresses:
        return "dangerously ambiguous"
    return ""


def _shown(port: Mapping[str, Any]) -> str:
    return "{" + " ".join(f"{name}:{port.get(field) or empty}" for name, field, empty in _SHOWN) + "}"
