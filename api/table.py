"""What the tables of many kinds have in common: ages, labels on one line, lists of container names and images.

Pure (k8s.io/kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.kind import Column
from apimachinery.duration import human_duration
from apimachinery.objects import Object, parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

NAME = Column(name="Name", format="name", description="The object's name, unique within its namespace.")
AGE = Column(name="Age", description="How long ago the object was created.")


def since(moment: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was, as people say it; "<unknown>" without one."""
    return human_duration((now - parse_time(moment)).total_seconds()) if moment else UNKNOWN


def age(obj: Object, now: datetime) -> str:
    """The object's age."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def format_labels(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, or "<none>"."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def format_label_selector(selector: Mapping[str, Any] | None) -> str:
    """A metav1.LabelSelector as its selector text: "" for one that selects everything, "<none>" for none at all."""
    if selector is None:
        return NONE
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression.get("key") or "", ",".join(sorted(expression.get("values") or ()))
        shown = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }.get(expression.get("operator") or "", "<error>")
        parts.append((key, shown))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0])) or NONE


def containers_of(template: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """The regular containers of a pod template."""
    return ((template or {}).get("spec") or {}).get("containers") or ()


def container_names(template: Mapping[str, Any] | None) -> str:
    """`a,b`."""
    return ",".join(container.get("name") or "" for container in containers_of(template))


def container_images(template: Mapping[str, Any] | None) -> str:
    """`nginx:1,busybox`."""
    return ",".join(container.get("image") or "" for container in containers_of(template))
