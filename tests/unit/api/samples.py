"""Small valid objects to start from, and what validation says of an object."""

from __future__ import annotations

import copy
from typing import Any

from api.kind import Strategy
from apimachinery.objects import Object


def container(**fields: Any) -> dict[str, Any]:
    """A container that needs nothing else."""
    return {"name": "c", "image": "nginx:1.25", **fields}


def pod(spec: dict[str, Any] | None = None, **metadata: Any) -> Object:
    """A pod of one container, not defaulted."""
    meta = {"name": "p", "namespace": "ns", **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container()], **(spec or {})}}


def template(spec: dict[str, Any] | None = None, **labels: str) -> dict[str, Any]:
    """A pod template."""
    return {"metadata": {"labels": labels or {"app": "a"}}, "spec": {"containers": [container()], **(spec or {})}}


def workload(kind: str, **spec: Any) -> Object:
    """An object of apps/v1 with a selector and a template."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "x", "namespace": "ns"},
        "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template(), **spec},
    }


def service(**spec: Any) -> Object:
    """A Service of one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "ns"},
        "spec": {"ports": [{"port": 80}], **spec},
    }


def created(strategy: Strategy, obj: Object) -> Object:
    """The object as it is once it has been defaulted and prepared."""
    obj = copy.deepcopy(obj)
    strategy.default(obj)
    strategy.prepare_create(obj)
    return obj


def complaints(strategy: Strategy, obj: Object) -> list[str]:
    """Every rule broken by creating the object."""
    return [str(error) for error in strategy.validate(created(strategy, obj))]


def replaced(strategy: Strategy, new: Object, old: Object) -> tuple[Object, list[str]]:
    """The object after an update of one that was created, and every rule broken."""
    before = created(strategy, old)
    after = copy.deepcopy(new)
    strategy.default(after)
    strategy.prepare_update(after, before)
    return after, [str(error) for error in strategy.validate_update(after, before)]
