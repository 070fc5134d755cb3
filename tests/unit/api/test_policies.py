"""RBAC, networking, storage, scheduling, webhooks and the rest: their rules."""

from __future__ import annotations

from typing import Any

import pytest

from api.admissionregistration.webhooks import MUTATING
from api.autoscaling.hpa import AUTOSCALER
from api.certificates.csr import SIGNING_REQUEST, SIGNING_REQUEST_APPROVAL, SIGNING_REQUEST_STATUS
from api.coordination.lease import LEASE
from api.core.endpoints import ENDPOINTS
from api.core.event import EVENT
from api.discovery.endpointslice import ENDPOINT_SLICE
from api.flowcontrol.priority import FLOW_SCHEMA, LEVEL
from api.kind import Strategy
from api.networking.ingress import INGRESS, INGRESS_CLASS
from api.networking.networkpolicy import NETWORK_POLICY
from api.node.runtimeclass import RUNTIME_CLASS
from api.policy.poddisruptionbudget import BUDGET
from api.rbac.roles import CLUSTER_ROLE, ROLE, ROLE_BINDING
from api.scheduling.priorityclass import PRIORITY_CLASS
from api.storage.classes import STORAGE_CLASS
from api.storage.csi import CSI_DRIVER, VOLUME_ATTACHMENT
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, created, replaced

RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
REFERENCE = {"kind": "Role", "name": "r"}
SERVICE = {"service": {"name": "s", "port": {"number": 80}}}
HOOK = {
    "name": "a.example.com",
    "clientConfig": {"url": "https://h/x"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "rules": [{"apiGroups": ["*"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
}
LIMITED = {"limitResponse": {"type": "Queue", "queuing": {}}}


def named(**fields: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "ns"}, **fields}


def paths(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"http": {"paths": list(entries)}}]}


@pytest.mark.parametrize(
    ("strategy", "fields"),
    [
        (ROLE, {"rules": [RULE]}),
        (CLUSTER_ROLE, {"rules": [{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]}),
        (ROLE_BINDING, {"roleRef": REFERENCE, "subjects": [{"kind": "User", "name": "u"}]}),
        (
            NETWORK_POLICY,
            {"spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}},
        ),
        (INGRESS, {"spec": paths({"path": "/", "pathType": "Prefix", "backend": SERVICE})}),
        (INGRESS_CLASS, {"spec": {"controller": "example.com/ic"}}),
        (BUDGET, {"spec": {"minAvailable": "50%"}}),
        (PRIORITY_CLASS, {"value": 1000}),
        (STORAGE_CLASS, {"provisioner": "example.com/p"}),
        (CSI_DRIVER, {}),
        (VOLUME_ATTACHMENT, {"spec": {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "v"}}}),
        (RUNTIME_CLASS, {"handler": "runc"}),
        (LEASE, {"spec": {"leaseDurationSeconds": 1}}),
        (ENDPOINTS, {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
        (ENDPOINT_SLICE, {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]}),
        (EVENT, {"involvedObject": {"namespace": "ns"}}),
        (AUTOSCALER, {"spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}}),
        (MUTATING, {"webhooks": [HOOK]}),
        (FLOW_SCHEMA, {"spec": {"priorityLevelConfiguration": {"name": "p"}}}),
        (LEVEL, {"spec": {"type": "Limited", "limited": LIMITED}}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else "",
)
def test_good_objects(strategy: Strategy, fields: dict[str, Any]) -> None:
    assert complaints(strategy, named(**fields)) == []


@pytest.mark.parametrize(
    ("strategy", "fields", "start"),
    [
        (
            ROLE,
            {"rules": [{**RULE, "verbs": []}]},
            "rules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (ROLE, {"rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}]}, "rules[0].nonResourceURLs: Invalid value"),
        (ROLE_BINDING, {"roleRef": {"kind": "Odd", "name": "r"}}, 'roleRef.kind: Unsupported value: "Odd"'),
        (
            ROLE_BINDING,
            {"roleRef": REFERENCE, "subjects": [{"kind": "Robot", "name": "r"}]},
            "subjects[0].kind: Unsupported",
        ),
        (
            NETWORK_POLICY,
            {"spec": {"ingress": [{"from": [{}]}]}},
            "spec.ingress[0].from[0]: Required value: must specify a peer",
        ),
        (
            NETWORK_POLICY,
            {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]}},
            "spec.egress[0].to[0].ipBlock.except[0]: Invalid value",
        ),
        (INGRESS, {}, "spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must"),
        (
            INGRESS,
            {"spec": paths({"path": "x", "pathType": "Prefix", "backend": SERVICE})},
            "spec.rules[0].http.paths[0].path",
        ),
        (INGRESS, {"spec": paths({"path": "/", "backend": SERVICE})}, "spec.rules[0].http.paths[0].pathType: Required"),
        (
            INGRESS_CLASS,
            {"spec": {"controller": "ic"}},
            'spec.controller: Invalid value: "ic": must be a domain-prefixed',
        ),
        (
            BUDGET,
            {"spec": {"minAvailable": 1, "maxUnavailable": 1}},
            "spec: Invalid value: policy.PodDisruptionBudgetSpec{",
        ),
        (BUDGET, {"spec": {"minAvailable": "101%"}}, "spec.minAvailable: Invalid value: intstr.IntOrString{Type:1"),
        (
            PRIORITY_CLASS,
            {"value": 2_000_000_000},
            "value: Forbidden: maximum allowed value of a user defined priority",
        ),
        (STORAGE_CLASS, {"provisioner": "p", "reclaimPolicy": "Odd"}, 'reclaimPolicy: Unsupported value: "Odd"'),
        (RUNTIME_CLASS, {"handler": "a.b"}, 'handler: Invalid value: "a.b": must not contain dots'),
        (
            LEASE,
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (ENDPOINTS, {"subsets": [{}]}, "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"),
        (ENDPOINT_SLICE, {"addressType": "Odd"}, 'addressType: Unsupported value: "Odd"'),
        (
            ENDPOINT_SLICE,
            {"addressType": "IPv4", "endpoints": [{"addresses": []}]},
            "endpoints[0].addresses: Required value",
        ),
        (
            EVENT,
            {"involvedObject": {"namespace": "other"}},
            'involvedObject.namespace: Invalid value: "other": does not',
        ),
        (
            AUTOSCALER,
            {"spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "D"}}},
            "spec.scaleTargetRef.name: Required",
        ),
        (
            MUTATING,
            {"webhooks": [{**HOOK, "name": "a.b"}]},
            'webhooks[0].name: Invalid value: "a.b": should be a domain',
        ),
        (
            MUTATING,
            {"webhooks": [{**HOOK, "clientConfig": {}}]},
            "webhooks[0].clientConfig: Required value: exactly one",
        ),
        (
            FLOW_SCHEMA,
            {"spec": {"priorityLevelConfiguration": {}}},
            "spec.priorityLevelConfiguration.name: Required value",
        ),
        (
            INGRESS,
            {"spec": {"defaultBackend": {"resource": {"kind": "a/b", "name": "n"}}}},
            "spec.defaultBackend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
        ),
        (
            INGRESS,
            {"spec": {"defaultBackend": {"resource": {"kind": "K", "name": "n"}}, "tls": [{"secretName": "A"}]}},
            'spec.tls[0].secretName: Invalid value: "A": a lowercase RFC 1123 subdomain',
        ),
        (
            INGRESS_CLASS,
            {"spec": {"controller": "a.b/c", "parameters": {"kind": "K"}}},
            "spec.parameters.name: Required value: name is required",
        ),
        (LEVEL, {"spec": {"type": "Odd"}}, 'spec.type: Unsupported value: "Odd"'),
    ],
)
def test_one_broken_rule(strategy: Strategy, fields: dict[str, Any], start: str) -> None:
    errors = complaints(strategy, named(**fields))
    assert len(errors) == 1, errors
    assert errors[0].startswith(start)


@pytest.mark.parametrize(
    ("strategy", "old", "new", "field"),
    [
        (ROLE_BINDING, {"roleRef": REFERENCE}, {"roleRef": {"kind": "Role", "name": "other"}}, "roleRef"),
        (PRIORITY_CLASS, {"value": 1}, {"value": 2}, "value"),
        (STORAGE_CLASS, {"provisioner": "a"}, {"provisioner": "b"}, "provisioner"),
        (RUNTIME_CLASS, {"handler": "a"}, {"handler": "b"}, "handler"),
        (ENDPOINT_SLICE, {"addressType": "IPv4"}, {"addressType": "IPv6"}, "addressType"),
    ],
)
def test_what_stays(strategy: Strategy, old: dict[str, Any], new: dict[str, Any], field: str) -> None:
    assert replaced(strategy, named(**old), named(**old))[1] == []
    _, errors = replaced(strategy, named(**new), named(**old))
    assert [error.partition(":")[0] for error in errors] == [field]


def test_the_system_s_own_priorities() -> None:
    known: Object = {"metadata": {"name": "system-node-critical"}, "value": 2_000_001_000}
    assert complaints(PRIORITY_CLASS, known) == []
    assert len(complaints(PRIORITY_CLASS, {**known, "value": 5})) == 1
    assert len(complaints(PRIORITY_CLASS, {"metadata": {"name": "system-mine"}, "value": 5})) == 1


def test_policies_are_about_egress_when_they_speak_of_it() -> None:
    assert created(NETWORK_POLICY, named(spec={"egress": [{}]}))["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_approval_is_written_by_its_own_subresource() -> None:
    old = created(SIGNING_REQUEST, named(spec={"signerName": "a.b/c"}))
    approved = {
        **old,
        "metadata": dict(old["metadata"]),
        "status": {"conditions": [{"type": "Approved", "status": "True"}]},
    }
    sneaky = {**approved, "metadata": dict(old["metadata"]), "status": dict(approved["status"])}
    SIGNING_REQUEST_STATUS.prepare_update(sneaky, old)
    (error,) = SIGNING_REQUEST_STATUS.validate_update(sneaky, old)
    assert str(error) == 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    SIGNING_REQUEST_APPROVAL.prepare_update(approved, old)
    assert SIGNING_REQUEST_APPROVAL.validate_update(approved, old) == []
    issued = {**approved, "metadata": dict(old["metadata"]), "status": {**approved["status"], "certificate": "Yw=="}}
    SIGNING_REQUEST_STATUS.prepare_update(issued, approved)
    assert issued["status"]["conditions"] == approved["status"]["conditions"]


def test_tolerations_of_a_runtime_class() -> None:
    taint = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
    scheduling = {"tolerations": [taint, {**taint, "tolerationSeconds": 1}, {"key": "a b", "operator": "Exists"}]}
    errors = complaints(RUNTIME_CLASS, named(handler="h", scheduling=scheduling))
    assert [error.partition(": ")[0] for error in errors] == [
        "scheduling.tolerations.tolerations[2].key",
        "scheduling.tolerations[1]",
    ]
    assert len(replaced(RUNTIME_CLASS, named(handler="h", scheduling=scheduling), named(handler="h"))[1]) == 2


def test_topologies_of_endpoints_were_for_v1beta1() -> None:
    endpoint = {"addresses": ["10.1.1.1"], "deprecatedTopology": {"a": "b"}}
    slice_ = named(addressType="IPv4", endpoints=[endpoint])
    assert created(ENDPOINT_SLICE, slice_)["endpoints"] == [{"addresses": ["10.1.1.1"]}]
    assert replaced(ENDPOINT_SLICE, slice_, slice_)[0]["endpoints"] == [{"addresses": ["10.1.1.1"]}]
