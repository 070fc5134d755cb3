"""Pods: defaults and rules. What may change is in `test_pod_changes.py`."""

from __future__ import annotations

from typing import Any

import pytest

from api.core.images import default_pull_policy
from api.core.pod.qos import qos_class
from api.core.pod.strategy import POD
from tests.unit.api.samples import complaints, container, created, pod


def test_defaults_of_a_plain_pod() -> None:
    made = created(POD, pod())
    assert made["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "nginx:1.25",
                "imagePullPolicy": "IfNotPresent",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert complaints(POD, pod()) == []


def test_defaults_are_not_set_where_something_is_said() -> None:
    spec = {"dnsPolicy": "Default", "terminationGracePeriodSeconds": 0, "restartPolicy": "Never"}
    made = created(POD, pod(spec))["spec"]
    assert {key: made[key] for key in spec} == spec


def test_volumes_and_their_defaults() -> None:
    volumes = [
        {"name": "e"},
        {"name": "h", "hostPath": {"path": "/tmp"}},
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "d", "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    ]
    made = created(POD, pod({"volumes": volumes, "serviceAccountName": "default"}))
    assert made["spec"]["volumes"] == [
        {"name": "e", "emptyDir": {}},
        {"name": "h", "hostPath": {"path": "/tmp", "type": ""}},
        {"name": "s", "secret": {"secretName": "s", "defaultMode": 420}},
        {
            "name": "d",
            "downwardAPI": {
                "items": [{"path": "l", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels"}}],
                "defaultMode": 420,
            },
        },
        {
            "name": "p",
            "projected": {
                "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                "defaultMode": 420,
            },
        },
    ]
    assert POD.validate(made) == []


def test_limits_are_requests_and_host_ports_are_ports() -> None:
    spec = {
        "hostNetwork": True,
        "containers": [container(ports=[{"containerPort": 80}], resources={"limits": {"cpu": "1"}})],
    }
    made = created(POD, pod(spec))["spec"]["containers"][0]
    assert made["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert made["resources"]["requests"] == {"cpu": "1"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1", "IfNotPresent"),
        ("host:5000/nginx", "Always"),
        ("host:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:" + "a" * 64, "IfNotPresent"),
        ("nginx:latest@sha256:" + "a" * 64, "Always"),
        ("NotAReference", "IfNotPresent"),
        ("a" * 64, "IfNotPresent"),  # an image's ID
        ("b" * 238, "IfNotPresent"),  # docker.io/library/bbb... is too long to be a name
        ("b" * 237, "Always"),
    ],
)
def test_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"requests": {"example.com/gpu": "1"}}], "BestEffort"),
    ],
)
def test_quality_of_service(resources: list[dict[str, Any]], expected: str) -> None:
    assert qos_class({"containers": [{"resources": each} for each in resources]}) == expected


C = "spec.containers[0]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": ""}, f"{C}.name: Required value"),
        ({"name": "a.b"}, f'{C}.name: Invalid value: "a.b": must not contain dots'),
        ({"image": ""}, f"{C}.image: Required value"),
        ({"image": " x"}, f'{C}.image: Invalid value: " x": must not have leading or trailing whitespace'),
        (
            {"imagePullPolicy": "Often"},
            f'{C}.imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"',
        ),
        ({"ports": [{"containerPort": 0}]}, f"{C}.ports[0].containerPort: Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            f"{C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}]},
            f'{C}.ports[1].hostPort: Duplicate value: "TCP//9"',
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            f'{C}.ports[1].name: Duplicate value: "a"',
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "X"}]},
            f'{C}.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
        ),
        ({"env": [{"name": ""}]}, f"{C}.env[0].name: Required value"),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`,',
        ),
        (
            {"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.bogus"}}}]},
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.bogus": error converting fieldPath:',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}}}]},
            f"{C}.env[0].valueFrom.fieldRef: Forbidden: may not be set when feature gate 'PodHostIPs' is not enabled",
        ),
        ({"envFrom": [{}]}, f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'),
        ({"volumeMounts": [{"name": "no", "mountPath": "/x"}]}, f'{C}.volumeMounts[0].name: Not found: "no"'),
        ({"livenessProbe": {}}, f"{C}.livenessProbe: Required value: must specify a handler type"),
        (
            {"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}},
            f"{C}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": "up_"}}},
            f'{C}.livenessProbe.tcpSocket.port: Invalid value: "up_": must contain only alpha-numeric characters',
        ),
        (
            {"livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}},
            f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"readinessProbe": {"exec": {"command": ["a"]}, "periodSeconds": -1}},
            f"{C}.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        ({"lifecycle": {"preStop": {"exec": {}}}}, f"{C}.lifecycle.preStop.exec.command: Required value"),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            {"resources": {"requests": {"cpu": "-1"}}},
            f'{C}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"resources": {"requests": {"example.com/gpu": "1"}}},
            f"{C}.resources.limits: Required value: Limit must be set for non overcommitable resources",
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            f"{C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            {"securityContext": {"windowsOptions": {"gmsaCredentialSpec": ""}}},
            f'{C}.securityContext.windowsOptions.gmsaCredentialSpec: Invalid value: "": gmsaCredentialSpec cannot',
        ),
        ({"restartPolicy": "Always"}, f"{C}.restartPolicy: Forbidden: may not be set for non-init containers"),
        (
            {"terminationMessagePolicy": "X"},
            f'{C}.terminationMessagePolicy: Unsupported value: "X": supported values: "File",',
        ),
    ],
)
def test_rules_of_containers(fields: dict[str, Any], expected: str) -> None:
    errors = complaints(POD, pod({"containers": [container(**fields)]}))
    assert len(errors) == 1, errors
    assert errors[0].startswith(expected)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        ({"containers": [container(), container()]}, 'spec.containers[1].name: Duplicate value: "c"'),
        ({"initContainers": [container()]}, 'spec.initContainers[0].name: Duplicate value: "c"'),
        (
            {"initContainers": [container(name="i", livenessProbe={"exec": {"command": ["a"]}})]},
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without",
        ),
        (
            {"ephemeralContainers": [container(name="e")]},
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
        ),
        (
            {"restartPolicy": "X"},
            'spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure", "Never"',
        ),
        ({"dnsPolicy": "None"}, "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        (
            {"dnsConfig": {"nameservers": ["x"]}},
            'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be valid IP address',
        ),
        (
            {"dnsConfig": {"searches": ["."]}},
            'spec.dnsConfig.searches[0]: Invalid value: "": a lowercase RFC 1123 subdomain must consist',
        ),
        ({"nodeSelector": {"a": "b c"}}, 'spec.nodeSelector: Invalid value: "b c": '),
        ({"hostname": "a.b"}, 'spec.hostname: Invalid value: "a.b": must not contain dots'),
        (
            {"activeDeadlineSeconds": 0},
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            {"tolerations": [{"operator": "Equal"}]},
            'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty',
        ),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "effect": "X"}]},
            'spec.tolerations[0].effect: Unsupported value: "X"',
        ),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 1}]},
            "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'",
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
                }
            },
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms:",
        ),
        (
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a b"}]}}},
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid",
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, 'spec.volumes[1].name: Duplicate value: "v"'),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/a/../b"}}]},
            "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
        ),
        (
            {"volumes": [{"name": "v", "configMap": {"items": [{"key": "a", "path": "../x"}], "name": "c"}}]},
            "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'",
        ),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s", "defaultMode": 0o1000}}]},
            "spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777",
        ),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when",
        ),
        (
            {"securityContext": {"sysctls": [{"name": "A"}]}},
            'spec.securityContext.sysctls[0].name: Invalid value: "A": must have at most 253 characters',
        ),
        (
            {"nodeName": "n", "schedulingGates": [{"name": "a"}]},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
        ({"os": {"name": "beos"}}, 'spec.os: Unsupported value: "beos": supported values: "linux", "windows"'),
        (
            {"hostPID": True, "shareProcessNamespace": True, "securityContext": {"supplementalGroups": [1]}},
            "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot",
        ),
    ],
)
def test_rules_of_the_spec(spec: dict[str, Any], expected: str) -> None:
    errors = complaints(POD, pod(spec))
    assert len(errors) == 1, errors
    assert errors[0].startswith(expected)


def test_a_spec_with_everything_is_fine() -> None:
    probe = {"httpGet": {"port": "web", "httpHeaders": [{"name": "X-A", "value": "b"}]}}
    spec = {
        "containers": [
            container(
                ports=[{"containerPort": 80, "name": "web"}],
                env=[
                    {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                    {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                envFrom=[{"prefix": "P_", "configMapRef": {"name": "c"}}],
                volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "a/b", "mountPropagation": "None"}],
                livenessProbe=probe,
                lifecycle={"postStart": {"exec": {"command": ["true"]}}},
                securityContext={"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
            )
        ],
        "initContainers": [container(name="first", env=[{"name": "A", "value": "b"}])],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}]
                }
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}},
                    }
                ]
            },
        },
        "tolerations": [{"operator": "Exists"}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}],
        "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["a.b."], "options": [{"name": "ndots", "value": "2"}]},
        "securityContext": {"fsGroup": 1, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    assert complaints(POD, pod(spec)) == []
