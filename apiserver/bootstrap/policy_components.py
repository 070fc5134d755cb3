"""What the default cluster roles for the control plane, nodes and add-ons permit. Pure data."""

from __future__ import annotations

from apiserver.authz.rules import Rule
from apiserver.bootstrap.rolerules import EVENTS, READ, rule

COMPONENT_ROLES: dict[str, tuple[Rule, ...]] = {
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": (
        rule("certificates.k8s.io", "certificatesigningrequests/nodeclient", "create"),
    ),
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": (
        rule("certificates.k8s.io", "certificatesigningrequests/selfnodeclient", "create"),
    ),
    "system:certificates.k8s.io:kube-apiserver-client-approver": (
        rule("certificates.k8s.io", "signers", "approve", names="kubernetes.io/kube-apiserver-client"),
    ),
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver": (
        rule("certificates.k8s.io", "signers", "approve", names="kubernetes.io/kube-apiserver-client-kubelet"),
    ),
    "system:certificates.k8s.io:kubelet-serving-approver": (
        rule("certificates.k8s.io", "signers", "approve", names="kubernetes.io/kubelet-serving"),
    ),
    "system:certificates.k8s.io:legacy-unknown-approver": (
        rule("certificates.k8s.io", "signers", "approve", names="kubernetes.io/legacy-unknown"),
    ),
    "system:heapster": (
        rule("core", "events namespaces nodes pods", READ),
        rule("extensions", "deployments", READ),
    ),
    "system:kube-aggregator": (rule("core", "endpoints services", READ),),
    "system:kube-controller-manager": (
        EVENTS,
        rule("coordination.k8s.io", "leases", "create"),
        rule("coordination.k8s.io", "leases", "get update", names="kube-controller-manager"),
        rule("core", "secrets serviceaccounts", "create"),
        rule("core", "secrets", "delete"),
        rule("core", "configmaps namespaces secrets serviceaccounts", "get"),
        rule("core", "secrets serviceaccounts", "update"),
        rule("authentication.k8s.io", "tokenreviews", "create"),
        rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        rule("*", "*", "list watch"),
        rule("core", "serviceaccounts/token", "create"),
    ),
    "system:kube-dns": (rule("core", "endpoints services", "list watch"),),
    "system:kube-scheduler": (
        EVENTS,
        rule("coordination.k8s.io", "leases", "create"),
        rule("coordination.k8s.io", "leases", "get update", names="kube-scheduler"),
        rule("core", "nodes", READ),
        rule("core", "pods", "delete get list watch"),
        rule("core", "bindings pods/binding", "create"),
        rule("core", "pods/status", "patch update"),
        rule("core", "replicationcontrollers services", READ),
        rule("apps extensions", "replicasets", READ),
        rule("apps", "statefulsets", READ),
        rule("policy", "poddisruptionbudgets", READ),
        rule("core", "persistentvolumeclaims persistentvolumes", READ),
        rule("authentication.k8s.io", "tokenreviews", "create"),
        rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        rule("storage.k8s.io", "csinodes", READ),
        rule("core", "namespaces", READ),
        rule("storage.k8s.io", "csidrivers", READ),
        rule("storage.k8s.io", "csistoragecapacities", READ),
    ),
    "system:kubelet-api-admin": (
        rule("core", "nodes", READ),
        rule("core", "nodes", "proxy"),
        rule("core", "nodes/log nodes/metrics nodes/proxy nodes/stats", "*"),
    ),
    "system:node": (
        rule("authentication.k8s.io", "tokenreviews", "create"),
        rule("authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews", "create"),
        rule("core", "services", READ),
        rule("core", "nodes", "create get list watch"),
        rule("core", "nodes/status", "patch update"),
        rule("core", "nodes", "patch update"),
        rule("core", "events", "create patch update"),
        rule("core", "pods", READ),
        rule("core", "pods", "create delete"),
        rule("core", "pods/status", "patch update"),
        rule("core", "pods/eviction", "create"),
        rule("core", "configmaps secrets", READ),
        rule("core", "persistentvolumeclaims persistentvolumes", "get"),
        rule("core", "endpoints", "get"),
        rule("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),
        rule("coordination.k8s.io", "leases", "create delete get patch update"),
        rule("storage.k8s.io", "volumeattachments", "get"),
        rule("core", "serviceaccounts/token", "create"),
        rule("core", "persistentvolumeclaims/status", "get patch update"),
        rule("storage.k8s.io", "csidrivers", READ),
        rule("storage.k8s.io", "csinodes", "create delete get patch update"),
        rule("node.k8s.io", "runtimeclasses", READ),
    ),
    "system:node-bootstrapper": (rule("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),),
    "system:node-problem-detector": (
        rule("core", "nodes", "get"),
        rule("core", "nodes/status", "patch"),
        EVENTS,
    ),
    "system:node-proxier": (
        rule("core", "endpoints services", "list watch"),
        rule("core", "nodes", READ),
        EVENTS,
        rule("discovery.k8s.io", "endpointslices", "list watch"),
    ),
    "system:persistent-volume-provisioner": (
        rule("core", "persistentvolumes", "create delete get list watch"),
        rule("core", "persistentvolumeclaims", "get list update watch"),
        rule("storage.k8s.io", "storageclasses", READ),
        rule("core", "events", "watch"),
        EVENTS,
    ),
    "system:volume-scheduler": (
        rule("core", "persistentvolumes", "get list patch update watch"),
        rule("storage.k8s.io", "storageclasses", READ),
        rule("core", "persistentvolumeclaims", "get list patch update watch"),
    ),
}
