"""What objects count against ResourceQuotas, and which quotas they fall under. Pure.

The evaluators of k8s.io/kubernetes/pkg/quota/v1/evaluator/core: admission charges by them, a quota controller may
recompute by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from apimachinery import quantity
from apimachinery.objects import Object, annotations_of
from apimachinery.quantity import Quantity

Usage = dict[str, Quantity]

_ONE = quantity.parse("1")
_ZERO = quantity.parse("0")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_CLAIM_CLASS = ".storageclass.storage.k8s.io/"
#: Core resources counted under their bare names too.
_BARE = frozenset({
    "configmaps", "secrets", "services", "replicationcontrollers", "resourcequotas", "persistentvolumeclaims", "pods",
})  # fmt: skip


def usage(group: str, resource: str, obj: Object) -> Usage:
    """What one object uses, by quota resource name."""
    used: Usage = {f"count/{resource}.{group}" if group else f"count/{resource}": _ONE}
    if group:
        return used
    if resource in _BARE:
        used[resource] = _ONE
    special = _SPECIAL.get(resource)
    if special is not None:
        used |= special(obj)
    return used


def _pod_usage(pod: Object) -> Usage:
    if is_terminal(pod):
        # A pod that is over takes no resources any more, but is still an object.
        return {"pods": _ZERO}
    used: Usage = {}
    for section in ("requests", "limits"):
        for name, amount in pod_resources(pod, section).items():
            if name in _COMPUTE or name.startswith("hugepages-") or "/" in name:
                if section == "requests" or name in _COMPUTE:
                    used[f"{section}.{name}"] = amount
                if section == "requests" and "/" not in name:
                    used[name] = amount
    return used


def is_terminal(pod: Object) -> bool:
    """Whether the pod is over: failed, succeeded, or past the end of its deletion."""
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def pod_resources(pod: Object, section: str) -> Usage:
    """Requests or limits of a pod: the sum over containers, or the greatest of an init container where that is more,
    plus the pod's overhead."""
    spec = pod.get("spec") or {}
    total = _sum(_amounts(container, section) for container in spec.get("containers") or ())
    for container in spec.get("initContainers") or ():
        for name, amount in _amounts(container, section).items():
            if name not in total or total[name] < amount:
                total[name] = amount
    for name, value in (spec.get("overhead") or {}).items():
        if section == "requests" or name in total:
            total[name] = total.get(name, _ZERO) + quantity.parse(value)
    return total


def _amounts(container: Object, section: str) -> Usage:
    resources = container.get("resources") or {}
    found = {name: quantity.parse(value) for name, value in (resources.get(section) or {}).items()}
    if section == "requests":
        for name, value in (resources.get("limits") or {}).items():
            found.setdefault(name, quantity.parse(value))
    return found


def _sum(parts: Iterable[Usage]) -> Usage:
    total: Usage = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def _service_usage(service: Object) -> Usage:
    spec = service.get("spec") or {}
    ports = spec.get("ports") or []
    used = {"services.loadbalancers": _ZERO, "services.nodeports": _ZERO}
    if spec.get("type") == "LoadBalancer":
        used["services.loadbalancers"] = _ONE
        allocated = spec.get("allocateLoadBalancerNodePorts") is not False
        taken = len(ports) if allocated else sum(1 for port in ports if port.get("nodePort"))
        used["services.nodeports"] = quantity.from_value(taken)
    elif spec.get("type") == "NodePort":
        used["services.nodeports"] = quantity.from_value(len(ports))
    return used


def _claim_usage(claim: Object) -> Usage:
    spec = claim.get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    name = spec.get("storageClassName") or annotations_of(claim).get("volume.beta.kubernetes.io/storage-class") or ""
    used: Usage = {}
    if size is not None:
        used["requests.storage"] = quantity.parse(size)
    if name:
        used[f"{name}{_CLAIM_CLASS}persistentvolumeclaims"] = _ONE
        if size is not None:
            used[f"{name}{_CLAIM_CLASS}requests.storage"] = quantity.parse(size)
    return used


_SPECIAL: Mapping[str, Callable[[Object], Usage]] = {
    "pods": _pod_usage,
    "services": _service_usage,
    "persistentvolumeclaims": _claim_usage,
}


def covers(quota: Object, group: str, resource: str, obj: Object) -> bool:
    """Whether the quota's scopes take the object in; scopes are about pods alone."""
    spec = quota.get("spec") or {}
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    if not scopes:
        return True
    if group or resource != "pods":
        return False
    return all(_in_scope(scope, obj) for scope in scopes)


def _in_scope(scope: Object, pod: Object) -> bool:
    spec = pod.get("spec") or {}
    name = scope.get("scopeName")
    if name == "Terminating":
        return spec.get("activeDeadlineSeconds") is not None
    if name == "NotTerminating":
        return spec.get("activeDeadlineSeconds") is None
    if name == "BestEffort":
        return is_best_effort(pod)
    if name == "NotBestEffort":
        return not is_best_effort(pod)
    if name == "CrossNamespacePodAffinity":
        return _has_cross_namespace_affinity(spec)
    if name == "PriorityClass":
        own = spec.get("priorityClassName") or ""
        values = scope.get("values") or []
        return {
            "Exists": bool(own),
            "DoesNotExist": not own,
            "In": own in values,
            "NotIn": own not in values,
        }.get(scope.get("operator") or "", False)
    return False


def is_best_effort(pod: Object) -> bool:
    """Whether no container asks for cpu or memory (the BestEffort quality of service)."""
    for field in ("containers", "initContainers"):
        for container in (pod.get("spec") or {}).get(field) or ():
            for section in ("requests", "limits"):
                given = (container.get("resources") or {}).get(section) or {}
                if any(name in given and quantity.parse(given[name]) for name in ("cpu", "memory")):
                    return False
    return True


def _has_cross_namespace_affinity(spec: Object) -> bool:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(kind) or {}
        terms = list(found.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        weighted = found.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [item.get("podAffinityTerm") or {} for item in weighted]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


def missing_requirements(pod: Object, wanted: Iterable[str]) -> dict[str, list[str]]:
    """For each quota resource that every container has to state ("requests.cpu", "limits.memory", "cpu"), the
    containers that do not."""
    spec = pod.get("spec") or {}
    missing: dict[str, list[str]] = {}
    for name in wanted:
        section, _, bare = name.rpartition(".") if name.startswith(("requests.", "limits.")) else ("requests", "", name)
        if bare not in _COMPUTE and not bare.startswith("hugepages-"):
            continue
        if name == "storage" or name == "requests.storage":
            continue
        for field in ("containers", "initContainers"):
            for container in spec.get(field) or ():
                if bare in ("cpu", "memory") and bare not in _amounts(container, section):
                    missing.setdefault(name, []).append(container.get("name") or "")
    return missing
