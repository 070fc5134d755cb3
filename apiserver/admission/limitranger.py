"""LimitRanger: default requests and limits from a namespace's LimitRanges, and their bounds enforced."""

from __future__ import annotations

from collections.abc import Mapping

from api.resources import LIMIT_RANGES
from apimachinery import quantity
from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.interfaces import Attributes

_ANNOTATION = "kubernetes.io/limit-ranger"
_ZERO = quantity.parse("0")


class LimitRanger(Plugin):
    """Pods and claims."""

    name = "LimitRanger"
    resources = {("", "pods"): frozenset({""}), ("", "persistentvolumeclaims"): frozenset({""})}

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Fill in the defaults of new pods."""
        if obj is None or attributes.resource != "pods" or operation(attributes) != "create":
            return
        for limits in self._api.list(LIMIT_RANGES, attributes.namespace):
            if not limits["metadata"].get("deletionTimestamp"):
                apply_defaults(limits, obj)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden where a bound is broken."""
        if obj is None or (attributes.resource == "pods" and operation(attributes) != "create"):
            return []  # a pod's resources cannot change
        for limits in self._api.list(LIMIT_RANGES, attributes.namespace):
            if limits["metadata"].get("deletionTimestamp"):
                continue
            problems = pod_problems(limits, obj) if attributes.resource == "pods" else claim_problems(limits, obj)
            if problems:
                listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
                raise refuse(attributes, listed, obj)
        return []


def _items(limits: Object) -> list[Object]:
    return (limits.get("spec") or {}).get("limits") or []


def apply_defaults(limits: Object, pod: Object) -> None:
    """Give every container of the pod the defaults it lacks, and note so in an annotation."""
    requests: dict[str, str] = {}
    maxima: dict[str, str] = {}
    for item in _items(limits):
        if item.get("type") == "Container":
            requests |= item.get("defaultRequest") or {}
            maxima |= item.get("default") or {}
    notes: list[str] = []
    for field, what in (("initContainers", "init container"), ("containers", "container")):
        for container in (pod.get("spec") or {}).get(field) or ():
            resources = container.setdefault("resources", {})
            for section, defaults, word in (("requests", requests, "request"), ("limits", maxima, "limit")):
                missing = [name for name in defaults if name not in (resources.get(section) or {})]
                if missing:
                    added = {name: defaults[name] for name in missing}
                    resources[section] = {**(resources.get(section) or {}), **added}
                    notes.append(f"{', '.join(sorted(missing))} {word} for {what} {container.get('name')}")
    if notes:
        metadata = pod.setdefault("metadata", {})
        text = f"LimitRanger plugin set: {'; '.join(notes)}"
        metadata["annotations"] = {**(metadata.get("annotations") or {}), _ANNOTATION: text}


def pod_problems(limits: Object, pod: Object) -> list[str]:
    """Every bound of the LimitRange that the pod's containers, or all of them together, break."""
    problems: list[str] = []
    spec = pod.get("spec") or {}
    for item in _items(limits):
        kind = item.get("type")
        if kind == "Container":
            for field in ("containers", "initContainers"):
                for container in spec.get(field) or ():
                    problems += _bounds(item, _section(container, "requests"), _section(container, "limits"))
        elif kind == "Pod":
            problems += _bounds(item, _pod_total(spec, "requests"), _pod_total(spec, "limits"))
    return problems


def claim_problems(limits: Object, claim: Object) -> list[str]:
    """Every bound that a claim's request breaks."""
    resources = (claim.get("spec") or {}).get("resources") or {}
    requests = {name: quantity.parse(value) for name, value in (resources.get("requests") or {}).items()}
    problems: list[str] = []
    for item in _items(limits):
        if item.get("type") != "PersistentVolumeClaim":
            continue
        for name, bound in (item.get("min") or {}).items():
            problems += _minimum(item, name, bound, requests.get(name), None)
        for name, bound in (item.get("max") or {}).items():
            problems += _request_maximum(item, name, bound, requests.get(name))
    return problems


Resources = Mapping[str, Quantity]


def _section(container: Object, section: str) -> dict[str, Quantity]:
    given = (container.get("resources") or {}).get(section) or {}
    return {name: quantity.parse(value) for name, value in given.items()}


def _pod_total(spec: Object, section: str) -> dict[str, Quantity]:
    """The sum over containers, or the greatest init container's where that is more."""
    total: dict[str, Quantity] = {}
    for container in spec.get("containers") or ():
        for name, value in _section(container, section).items():
            total[name] = total[name] + value if name in total else value
    for container in spec.get("initContainers") or ():
        for name, value in _section(container, section).items():
            if name not in total or value > total[name]:
                total[name] = value
    return total


def _bounds(item: Object, requests: Resources, maxima: Resources) -> list[str]:
    problems: list[str] = []
    for name, bound in (item.get("min") or {}).items():
        problems += _minimum(item, name, bound, requests.get(name), maxima.get(name))
    for name, bound in (item.get("max") or {}).items():
        problems += _maximum(item, name, bound, requests.get(name), maxima.get(name))
    for name, bound in (item.get("maxLimitRequestRatio") or {}).items():
        problems += _ratio(item, name, bound, requests.get(name), maxima.get(name))
    return problems


def _minimum(item: Object, name: str, bound: object, request: Quantity | None, limit: Quantity | None) -> list[str]:
    kind, least = item.get("type"), quantity.parse(str(bound))
    if request is None:
        return [f"minimum {name} usage per {kind} is {least}. No request is specified"]
    if request < least:
        return [f"minimum {name} usage per {kind} is {least}, but request is {request}"]
    if limit is not None and limit < least:
        return [f"minimum {name} usage per {kind} is {least}, but limit is {limit}"]
    return []


def _maximum(item: Object, name: str, bound: object, request: Quantity | None, limit: Quantity | None) -> list[str]:
    kind, most = item.get("type"), quantity.parse(str(bound))
    if limit is None:
        return [f"maximum {name} usage per {kind} is {most}. No limit is specified"]
    if limit > most:
        return [f"maximum {name} usage per {kind} is {most}, but limit is {limit}"]
    if request is not None and request > most:
        return [f"maximum {name} usage per {kind} is {most}, but request is {request}"]
    return []


def _request_maximum(item: Object, name: str, bound: object, request: Quantity | None) -> list[str]:
    kind, most = item.get("type"), quantity.parse(str(bound))
    if request is None:
        return [f"maximum {name} usage per {kind} is {most}. No request is specified"]
    if request > most:
        return [f"maximum {name} usage per {kind} is {most}, but request is {request}"]
    return []


def _ratio(item: Object, name: str, bound: object, request: Quantity | None, limit: Quantity | None) -> list[str]:
    kind, most = item.get("type"), quantity.parse(str(bound))
    head = f"{name} max limit to request ratio per {kind} is {most}"
    if request is None or request == _ZERO:
        return [f"{head}, but no request is specified or request is 0"]
    if limit is None or limit == _ZERO:
        return [f"{head}, but no limit is specified or limit is 0"]
    ratio = limit.milli_value() / request.milli_value()
    if ratio > most.milli_value() / 1000:
        return [f"{head}, but provided ratio is {ratio:.6f}"]
    return []
