"""ReplicationControllers and the workloads of apps/v1: defaults, rules, generations, tables."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from api.apps.daemonset import DAEMON_SET, DAEMON_SET_STATUS, TEMPLATE_GENERATION
from api.apps.deployment import DEPLOYMENT, DEPLOYMENT_STATUS, cells
from api.apps.replicaset import REPLICA_SET
from api.apps.statefulset import STATEFUL_SET, STATEFUL_SET_STATUS
from api.core.replicationcontroller import REPLICATION_CONTROLLER
from api.kind import Strategy
from tests.unit.api.samples import complaints, created, replaced, template, workload

STRATEGIES = {
    "Deployment": DEPLOYMENT,
    "ReplicaSet": REPLICA_SET,
    "DaemonSet": DAEMON_SET,
    "StatefulSet": STATEFUL_SET,
}


@pytest.mark.parametrize(("kind", "strategy"), STRATEGIES.items())
def test_the_plain_workload_is_fine(kind: str, strategy: Strategy) -> None:
    assert complaints(strategy, workload(kind)) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "Deployment",
            {
                "replicas": 1,
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            },
        ),
        ("ReplicaSet", {"replicas": 1}),
        (
            "DaemonSet",
            {
                "revisionHistoryLimit": 10,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            },
        ),
        (
            "StatefulSet",
            {
                "replicas": 1,
                "revisionHistoryLimit": 10,
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            },
        ),
    ],
)
def test_defaults(kind: str, expected: dict[str, Any]) -> None:
    spec = created(STRATEGIES[kind], workload(kind))["spec"]
    assert {key: value for key, value in spec.items() if key not in ("selector", "template")} == expected


def test_claims_of_a_stateful_set_are_whole_objects() -> None:
    claim = {"kind": "Odd", "metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    made = created(STATEFUL_SET, workload("StatefulSet", volumeClaimTemplates=[claim]))
    assert made["spec"]["volumeClaimTemplates"][0] | {"metadata": 0} == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": 0,
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": {}},
        "status": {"phase": "Pending"},
    }


def test_a_replication_controller_takes_labels_and_selector_from_its_template() -> None:
    obj = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "x"},
        "spec": {"template": template()},
    }
    made = created(REPLICATION_CONTROLLER, obj)
    assert made["spec"]["selector"] == made["metadata"]["labels"] == {"app": "a"}
    assert made["status"] == {"replicas": 0}
    assert complaints(REPLICATION_CONTROLLER, obj) == []


def test_a_replication_controller_without_template() -> None:
    errors = complaints(REPLICATION_CONTROLLER, {"metadata": {"name": "x"}})
    assert errors == ["spec.selector: Required value", "spec.template: Required value"]


MISMATCH = 'spec.template.metadata.labels: Invalid value: map[string]string{"app":"b"}: `selector` does not match'


@pytest.mark.parametrize(
    ("kind", "spec", "start"),
    [
        ("Deployment", {"template": template(app="b")}, MISMATCH),
        ("DaemonSet", {"template": template(app="b")}, MISMATCH),
        ("StatefulSet", {"template": template(app="b")}, MISMATCH),
        (
            "Deployment",
            {"selector": {}},
            "spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil)",
        ),
        ("Deployment", {"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            "Deployment",
            {"template": template({"restartPolicy": "Never"})},
            "spec.template.spec.restartPolicy: Unsupported",
        ),
        ("Deployment", {"minReadySeconds": 600}, "spec.progressDeadlineSeconds: Invalid value: 600: must be greater"),
        (
            "Deployment",
            {"strategy": {"type": "Odd"}},
            'spec.strategy: Unsupported value: apps.DeploymentStrategy{Type:"Odd"',
        ),
        (
            "Deployment",
            {"strategy": {"rollingUpdate": {"maxUnavailable": "150%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:",
        ),
        (
            "Deployment",
            {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:0",
        ),
        (
            "Deployment",
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}},
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value",
        ),
        (
            "StatefulSet",
            {"podManagementPolicy": "Odd"},
            'spec.podManagementPolicy: Invalid value: "Odd": must be \'Ordered',
        ),
        ("ReplicaSet", {"template": template({"containers": []})}, "spec.template.spec.containers: Required value"),
    ],
)
def test_rules(kind: str, spec: dict[str, Any], start: str) -> None:
    errors = complaints(STRATEGIES[kind], workload(kind, **spec))
    assert len(errors) == 1, errors
    assert errors[0].startswith(start)


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet"])
def test_selectors_stay(kind: str) -> None:
    selector = {"matchLabels": {"app": "b"}}
    new = workload(kind, selector=selector, template=template(app="b"))
    _, errors = replaced(STRATEGIES[kind], new, workload(kind))
    assert len(errors) == 1
    assert errors[0].endswith("field is immutable")


def test_little_of_a_stateful_set_changes() -> None:
    _, errors = replaced(STATEFUL_SET, workload("StatefulSet", replicas=3), workload("StatefulSet"))
    assert errors == []
    _, errors = replaced(STATEFUL_SET, workload("StatefulSet", serviceName="other"), workload("StatefulSet"))
    assert len(errors) == 1
    assert errors[0].startswith("spec: Forbidden: updates to statefulset spec for fields other than")


def test_generations_count_what_users_ask_for() -> None:
    old = created(DEPLOYMENT, workload("Deployment"))
    old["status"] = {"replicas": 1}
    assert old["metadata"]["generation"] == 1
    new = copy.deepcopy(old)
    new["metadata"]["labels"] = {"a": "b"}
    new["status"] = {"replicas": 9}
    DEPLOYMENT.prepare_update(new, old)
    assert new["metadata"]["generation"] == 1
    assert new["status"] == {"replicas": 1}
    new["spec"]["replicas"] = 2
    DEPLOYMENT.prepare_update(new, old)
    assert new["metadata"]["generation"] == 2


def test_annotations_of_a_deployment_count_too() -> None:
    old = created(DEPLOYMENT, workload("Deployment"))
    new = copy.deepcopy(old)
    new["metadata"]["annotations"] = {"a": "b"}
    DEPLOYMENT.prepare_update(new, old)
    assert new["metadata"]["generation"] == 2


def test_a_daemon_set_counts_its_templates() -> None:
    old = created(DAEMON_SET, workload("DaemonSet"))
    assert old["metadata"]["annotations"] == {TEMPLATE_GENERATION: "1"}
    new, errors = replaced(DAEMON_SET, workload("DaemonSet", template=template({"nodeName": "n"})), old)
    assert errors == []
    assert new["metadata"]["annotations"] == {TEMPLATE_GENERATION: "2"}
    assert new["metadata"]["generation"] == 2


def test_status_writes_leave_spec_and_labels_alone() -> None:
    old = created(DEPLOYMENT, workload("Deployment"))
    new = copy.deepcopy(old)
    new["spec"] = {}
    new["metadata"]["labels"] = {"a": "b"}
    new["status"] = {"replicas": 1, "readyReplicas": 2}
    DEPLOYMENT_STATUS.prepare_update(new, old)
    assert new["spec"] == old["spec"]
    assert "labels" not in new["metadata"]
    errors = [str(error) for error in DEPLOYMENT_STATUS.validate_update(new, old)]
    assert errors == ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"]


def test_rows_of_deployments() -> None:
    made = created(DEPLOYMENT, workload("Deployment", replicas=3))
    made["status"] = {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2}
    made["metadata"]["creationTimestamp"] = "2024-01-01T00:00:00Z"
    now = datetime(2024, 1, 1, 0, 5, tzinfo=UTC)
    assert cells(made, now) == ["x", "2/3", 3, 2, "5m", "c", "nginx:1.25", "app=a"]


BAD_SELECTOR = {"matchExpressions": [{"key": "app", "operator": "Odd"}]}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("Deployment", ": invalid label selector"),
        ("ReplicaSet", ": invalid label selector"),
        ("StatefulSet", ""),
    ],
)
def test_a_selector_that_is_none_is_told_of_once_more_instead_of_the_template(kind: str, told: str) -> None:
    pods = template({"containers": [], "restartPolicy": "Always"})
    first, second = complaints(STRATEGIES[kind], workload(kind, selector=BAD_SELECTOR, template=pods))
    assert first.startswith("spec.selector.matchExpressions[0].operator: Invalid value")
    assert second.startswith("spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), ")
    assert second.endswith("}" + told)


def test_pods_of_a_stateful_set_run_for_ever_whatever_its_selector() -> None:
    obj = workload("StatefulSet", selector=BAD_SELECTOR, template=template({"restartPolicy": "Never"}))
    assert complaints(STATEFUL_SET, obj)[-1] == (
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
    )


def test_a_daemon_set_tells_of_selector_template_and_emptiness_in_this_order() -> None:
    obj = workload("DaemonSet", selector={"matchLabels": {"a b": "c"}}, template=template({"containers": []}))
    assert [error.partition(":")[0] for error in complaints(DAEMON_SET, obj)] == [
        "spec.selector.matchLabels",
        "spec.template.spec.containers",
    ]
    everything = complaints(DAEMON_SET, workload("DaemonSet", selector={}))
    assert everything == [
        "spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), "
        "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for daemonset"
    ]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ({}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        ({"type": "RollingUpdate"}, {"type": "RollingUpdate"}),
        (
            {"type": "RollingUpdate", "rollingUpdate": {}},
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        ),
        ({"rollingUpdate": {"partition": 2}}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
        (
            {"rollingUpdate": {"maxUnavailable": 2}},  # behind a gate that is off
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        ),
        ({"type": "OnDelete"}, {"type": "OnDelete"}),
    ],
)
def test_update_strategies_of_stateful_sets(strategy: dict[str, Any], expected: dict[str, Any]) -> None:
    assert created(STATEFUL_SET, workload("StatefulSet", updateStrategy=strategy))["spec"]["updateStrategy"] == expected


def test_a_stateful_set_tells_of_both_retention_policies_in_the_reference_s_order() -> None:
    policy = {"whenScaled": "Lose", "whenDeleted": "Keep"}
    where, values = "spec.persistentVolumeClaimRetentionPolicy", 'supported values: "Retain", "Delete"'
    assert complaints(STATEFUL_SET, workload("StatefulSet", persistentVolumeClaimRetentionPolicy=policy)) == [
        f'{where}.whenDeleted: Unsupported value: "Keep": {values}',
        f'{where}.whenScaled: Unsupported value: "Lose": {values}',
    ]


def test_quoted_numbers_of_pods_count_though_they_are_wrong() -> None:
    rolling = {"maxUnavailable": 0, "maxSurge": "1"}
    (only,) = complaints(DEPLOYMENT, workload("Deployment", strategy={"rollingUpdate": rolling}))
    assert only.startswith("spec.strategy.rollingUpdate.maxSurge: Invalid value: intstr.IntOrString{Type:1")


@pytest.mark.parametrize(
    ("kind", "times"), [("Deployment", 1), ("StatefulSet", 1), ("ReplicaSet", 2), ("DaemonSet", 2)]
)
def test_how_often_an_update_tells_of_a_wrong_spec(kind: str, times: int) -> None:
    _, errors = replaced(STRATEGIES[kind], workload(kind, minReadySeconds=-1), workload(kind))
    assert errors == ["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"] * times


@pytest.mark.parametrize("strategy", [DEPLOYMENT_STATUS, STATEFUL_SET_STATUS, DAEMON_SET_STATUS])
def test_collisions_are_never_forgotten(strategy: Strategy) -> None:
    old, new = {"status": {"collisionCount": 2}}, {"status": {"collisionCount": 3}}
    assert strategy.validate_update(new, old) == []
    assert [str(error) for error in strategy.validate_update({"status": {}}, old)] == [
        "status.collisionCount: Invalid value: 0: cannot be decremented"
    ]


NODE_LABEL = {"beta.kubernetes.io/os": "linux"}


@pytest.mark.parametrize("kind", STRATEGIES)
def test_templates_are_warned_of_again_only_when_they_are_new(kind: str) -> None:
    strategy, obj = STRATEGIES[kind], workload(kind, template=template({"nodeSelector": NODE_LABEL}))
    old = created(strategy, obj)
    (text,) = strategy.warnings(old, None)
    assert text.startswith("spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated")
    new = copy.deepcopy(old)
    new["metadata"]["labels"] = {"a": "b"}
    strategy.prepare_update(new, old)
    assert strategy.warnings(new, old) == []
    new["spec"]["template"]["spec"]["hostNetwork"] = True
    strategy.prepare_update(new, old)
    assert strategy.warnings(new, old) == [text]


@pytest.mark.parametrize(("kind", "warned"), [("Deployment", True), ("ReplicaSet", True), ("DaemonSet", False)])
def test_names_that_make_bad_host_names(kind: str, warned: bool) -> None:
    obj = created(STRATEGIES[kind], workload(kind))
    obj["metadata"]["name"] = "a.b"
    text = (
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]"
    )
    assert STRATEGIES[kind].warnings(obj, None) == ([text] if warned else [])
    assert STRATEGIES[kind].warnings(obj, obj) == []


def test_claims_of_fractions_of_bytes_are_warned_of() -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "100m"}}}}
    obj = created(STATEFUL_SET, workload("StatefulSet", volumeClaimTemplates=[claim]))
    text = 'resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer'
    assert STATEFUL_SET.warnings(obj, None) == [f"spec.volumeClaimTemplates[0].{text}"]
    assert STATEFUL_SET.warnings(obj, obj) == [f"spec.volumeClaimTemplates[0].Spec.{text}"]
