"""Small objects that the API server takes, by group, version and kind: what most fuzzed bodies are a variation of."""

from __future__ import annotations

from typing import Any

_CONTAINER = {"name": "c", "image": "nginx:1.25"}
_POD: dict[str, Any] = {"containers": [_CONTAINER]}
_LABELS = {"app": "a"}
_SELECTOR = {"matchLabels": _LABELS}
_TEMPLATE = {"metadata": {"labels": _LABELS}, "spec": _POD}
_JOB_TEMPLATE = {"spec": {**_POD, "restartPolicy": "Never"}}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
_SUBJECTS = [{"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}]
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
_WEBHOOK = {
    "name": "hook.example.com",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "failurePolicy": "Ignore",
    "timeoutSeconds": 1,
    "clientConfig": {"url": "https://127.0.0.1:1/hook"},
    "rules": [{"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}],
}
_FLOW = {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}
_OLD_FLOW = {"type": "Limited", "limited": {"assuredConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}
_SCHEMA = {
    "priorityLevelConfiguration": {"name": "workload-low"},
    "matchingPrecedence": 5000,
    "rules": [
        {
            "subjects": [{"kind": "User", "user": {"name": "nobody"}}],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/nowhere"]}],
        }
    ],
}
_OPEN = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
_CRD = {
    "group": "example.com",
    "scope": "Namespaced",
    "names": {"plural": "d", "kind": "Dee"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": _OPEN}],
}
_EVENT = {"namespace": "fuzz", "name": "p", "kind": "Pod"}

#: What stands beside apiVersion, kind and metadata.
SEEDS: dict[str, dict[str, Any]] = {
    "v1/ConfigMap": {"data": {"a": "1"}},
    "v1/Secret": {"data": {"a": "YQ=="}, "type": "Opaque"},
    "v1/Endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
    "v1/Event": {"involvedObject": _EVENT, "reason": "Fuzzed", "type": "Normal"},
    "v1/LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "100"}}]}},
    "v1/Namespace": {},
    "v1/Node": {"spec": {"podCIDR": "10.244.0.0/24"}},
    "v1/PersistentVolume": {
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    },
    "v1/PersistentVolumeClaim": {"spec": _CLAIM},
    "v1/Pod": {"spec": _POD},
    "v1/PodTemplate": {"template": _TEMPLATE},
    "v1/ReplicationController": {"spec": {"replicas": 1, "selector": _LABELS, "template": _TEMPLATE}},
    "v1/ResourceQuota": {"spec": {"hard": {"count/widgets.example.com": "5"}}},
    "v1/Service": {"spec": {"selector": _LABELS, "ports": [{"port": 80}]}},
    "v1/ServiceAccount": {},
    "v1/Binding": {"target": {"kind": "Node", "name": "a"}},
    "apps/v1/ControllerRevision": {"revision": 1, "data": {"a": 1}},
    "apps/v1/DaemonSet": {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}},
    "apps/v1/Deployment": {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}},
    "apps/v1/ReplicaSet": {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}},
    "apps/v1/StatefulSet": {"spec": {"serviceName": "s", "selector": _SELECTOR, "template": _TEMPLATE}},
    "autoscaling/v1/HorizontalPodAutoscaler": {"spec": {"maxReplicas": 3, "scaleTargetRef": _TARGET}},
    "autoscaling/v2/HorizontalPodAutoscaler": {"spec": {"maxReplicas": 3, "scaleTargetRef": _TARGET}},
    "autoscaling/v1/Scale": {"spec": {"replicas": 2}},
    "batch/v1/Job": {"spec": {"template": _JOB_TEMPLATE}},
    "batch/v1/CronJob": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": _JOB_TEMPLATE}}}},
    "coordination.k8s.io/v1/Lease": {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 10}},
    "discovery.k8s.io/v1/EndpointSlice": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]},
    "events.k8s.io/v1/Event": {
        "eventTime": "2024-05-01T00:00:00.000000Z", "reportingController": "example.com/fuzz", "action": "Fuzz",
        "reportingInstance": "a", "reason": "Fuzzed", "type": "Normal", "regarding": _EVENT,
    },
    "networking.k8s.io/v1/Ingress": {
        "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
    },
    "networking.k8s.io/v1/IngressClass": {"spec": {"controller": "example.com/c"}},
    "networking.k8s.io/v1/NetworkPolicy": {"spec": {"podSelector": {}, "ingress": [{}]}},
    "node.k8s.io/v1/RuntimeClass": {"handler": "runc"},
    "policy/v1/PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": _SELECTOR}},
    "policy/v1/Eviction": {},
    "rbac.authorization.k8s.io/v1/Role": {"rules": _RULES},
    "rbac.authorization.k8s.io/v1/ClusterRole": {"rules": _RULES},
    "rbac.authorization.k8s.io/v1/RoleBinding": {"subjects": _SUBJECTS, "roleRef": _ROLE},
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": {"subjects": _SUBJECTS, "roleRef": _ROLE},
    "scheduling.k8s.io/v1/PriorityClass": {"value": 7},
    "storage.k8s.io/v1/StorageClass": {"provisioner": "example.com/p"},
    "storage.k8s.io/v1/CSIDriver": {"spec": {"attachRequired": True}},
    "storage.k8s.io/v1/CSINode": {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "n"}]}},
    "storage.k8s.io/v1/CSIStorageCapacity": {"storageClassName": "s", "nodeTopology": {}},
    "storage.k8s.io/v1/VolumeAttachment": {
        "spec": {"attacher": "example.com/a", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}
    },
    "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration": {"webhooks": [_WEBHOOK]},
    "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration": {"webhooks": [_WEBHOOK]},
    "apiextensions.k8s.io/v1/CustomResourceDefinition": {"spec": _CRD},
    "example.com/v1/Widget": {"spec": {"size": 1}},
    "flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema": {"spec": _SCHEMA},
    "flowcontrol.apiserver.k8s.io/v1beta2/FlowSchema": {"spec": _SCHEMA},
    "flowcontrol.apiserver.k8s.io/v1beta3/PriorityLevelConfiguration": {"spec": _FLOW},
    "flowcontrol.apiserver.k8s.io/v1beta2/PriorityLevelConfiguration": {"spec": _OLD_FLOW},
    "authorization.k8s.io/v1/SubjectAccessReview": {"spec": {"user": "eve", "nonResourceAttributes": {"path": "/x"}}},
    "authorization.k8s.io/v1/SelfSubjectAccessReview": {"spec": {"nonResourceAttributes": {"path": "/x"}}},
    "authorization.k8s.io/v1/SelfSubjectRulesReview": {"spec": {"namespace": "fuzz"}},
    "authentication.k8s.io/v1/TokenReview": {"spec": {"token": "abc"}},
    "authentication.k8s.io/v1/TokenRequest": {"spec": {"audiences": [], "expirationSeconds": 600}},
}  # fmt: skip
