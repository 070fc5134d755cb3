"""The default priority levels and flow schemas of flowcontrol.apiserver.k8s.io/v1beta3. Pure data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.flowcontrol import mandatory
from api.flowcontrol.priority import FLOW_SCHEMA, LEVEL
from api.resources import FLOW_SCHEMAS, PRIORITY_LEVELS
from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy

#: There is no server without these, and nobody may change what they say.
MANDATORY = frozenset(mandatory.SCHEMAS)
_AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
_ANNOTATIONS = {_AUTOUPDATE: "true"}
_ALL = ["*"]

#: Priority levels with queues: name -> (shares, lendable percent, queues, hand size).
_QUEUED = {
    "system": (30, 33, 64, 6),
    "node-high": (40, 25, 64, 6),
    "leader-election": (10, 0, 16, 4),
    "workload-high": (40, 50, 128, 6),
    "workload-low": (100, 90, 128, 6),
    "global-default": (20, 50, 128, 6),
}


def objects() -> Iterator[tuple[Resource, Object]]:
    """Every default object, priority levels first."""
    yield PRIORITY_LEVELS, _level("exempt", mandatory.LEVELS["exempt"])
    for name, (shares, lendable, queues, hand) in _QUEUED.items():
        queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
        yield PRIORITY_LEVELS, _limited(name, shares, lendable, {"type": "Queue", "queuing": queuing})
    yield PRIORITY_LEVELS, _level("catch-all", mandatory.LEVELS["catch-all"])
    for schema in _schemas():
        yield FLOW_SCHEMAS, schema


def reconciled(existing: Object, wanted: Object) -> Object | None:
    """The object as it has to be; None where it may stay.

    Mandatory ones always say what they said at first, others unless an administrator took them over by the annotation.
    How much of what exempt requests use is lent is an administrator's to say in any case."""
    resource = FLOW_SCHEMA if wanted["kind"] == FLOW_SCHEMAS.kind else LEVEL
    whole = deep_copy(wanted)
    resource.default(whole)
    if "exempt" in existing["spec"]:
        whole["spec"]["exempt"] = existing["spec"]["exempt"]
    if existing["spec"] == whole["spec"]:
        return None
    annotations = existing["metadata"].get("annotations") or {}
    ours = annotations.get(_AUTOUPDATE) == "true"
    if not ours and wanted["metadata"]["name"] not in MANDATORY:
        return None
    return {**existing, "spec": whole["spec"]}


def _level(name: str, spec: Object) -> Object:
    return {
        "apiVersion": PRIORITY_LEVELS.api_version,
        "kind": PRIORITY_LEVELS.kind,
        "metadata": {"name": name, "annotations": dict(_ANNOTATIONS)},
        "spec": deep_copy(spec),
    }


def _limited(name: str, shares: int, lendable: int, response: Object) -> Object:
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return _level(name, {"type": "Limited", "limited": limited})


def _user(name: str) -> Object:
    return {"kind": "User", "user": {"name": name}}


def _group(name: str) -> Object:
    return {"kind": "Group", "group": {"name": name}}


def _account(name: str) -> Object:
    return {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": "kube-system"}}


def _resources(group: str, resources: Sequence[str], verbs: Sequence[str], *, cluster: bool = False) -> Object:
    rule: Object = {
        "apiGroups": [group],
        "resources": list(resources),
        "verbs": list(verbs),
        "namespaces": list(_ALL),
    }
    if cluster:
        rule["clusterScope"] = True
    return rule


def _everything(*subjects: Object) -> Object:
    return {"subjects": list(subjects), **mandatory.EVERYTHING}


def _schema(name: str, level: str, precedence: int, by: str, rule: Object) -> Object:
    spec: Object = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [rule],
    }
    if by:
        spec["distinguisherMethod"] = {"type": by}
    return _whole(name, spec)


def _whole(name: str, spec: Object) -> Object:
    return {
        "apiVersion": FLOW_SCHEMAS.api_version,
        "kind": FLOW_SCHEMAS.kind,
        "metadata": {"name": name, "annotations": dict(_ANNOTATIONS)},
        "spec": deep_copy(spec),
    }


def _schemas() -> Iterator[Object]:
    user, namespace = "ByUser", "ByNamespace"
    everyone = (_group("system:unauthenticated"), _group("system:authenticated"))
    use = ("get", "create", "update")
    leases = _resources("coordination.k8s.io", ["leases"], use)
    manager, scheduler = _user("system:kube-controller-manager"), _user("system:kube-scheduler")
    health = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]
    yield _whole("exempt", mandatory.SCHEMAS["exempt"])
    yield _schema("probes", "exempt", 2, "", {"subjects": list(everyone), "nonResourceRules": health})
    yield _schema("system-leader-election", "leader-election", 100, user, {
        "subjects": [manager, scheduler, _account("*")], "resourceRules": [leases],
    })  # fmt: skip
    yield _schema("endpoint-controller", "workload-high", 150, user, {
        "subjects": [manager, _account("endpoint-controller"), _account("endpointslicemirroring-controller")],
        "resourceRules": [_resources("", ["endpoints"], use)],
    })  # fmt: skip
    yield _schema("workload-leader-election", "leader-election", 200, user, {
        "subjects": [_account("*")], "resourceRules": [_resources("", ["endpoints", "configmaps"], use), leases],
    })  # fmt: skip
    yield _schema("system-node-high", "node-high", 400, user, {
        "subjects": [_group("system:nodes")],
        "resourceRules": [
            _resources("", ["nodes", "nodes/status"], _ALL, cluster=True),
            _resources("coordination.k8s.io", ["leases"], _ALL),
        ],
    })  # fmt: skip
    yield _schema("system-nodes", "system", 500, user, _everything(_group("system:nodes")))
    yield _schema("kube-controller-manager", "workload-high", 800, namespace, _everything(manager))
    yield _schema("kube-scheduler", "workload-high", 800, namespace, _everything(scheduler))
    yield _schema("kube-system-service-accounts", "workload-high", 900, namespace, _everything(_account("*")))
    yield _schema("service-accounts", "workload-low", 9000, user, _everything(_group("system:serviceaccounts")))
    yield _schema("global-default", "global-default", 9900, user, _everything(*everyone))
    yield _whole("catch-all", mandatory.SCHEMAS["catch-all"])
