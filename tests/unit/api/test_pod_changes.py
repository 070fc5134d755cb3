"""Pods that change: what an update may do, what statuses and deletes mean, and fields of features that are off."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.core.pod.strategy import POD, POD_EPHEMERAL_CONTAINERS, POD_STATUS
from api.core.podtemplate import POD_TEMPLATE
from api.kind import Strategy
from tests.unit.api.samples import complaints, container, created, pod, replaced


def test_gated_pods_say_why_they_wait() -> None:
    made = created(POD, pod({"schedulingGates": [{"name": "example.com/g"}]}))
    assert made["status"]["conditions"][0]["reason"] == "SchedulingGated"


def changed(spec: dict[str, Any], old_spec: dict[str, Any] | None = None) -> list[str]:
    """What an update of the spec is told; `spec` replaces fields of the old one."""
    old = created(POD, pod(old_spec))
    new = copy.deepcopy(old)
    new["spec"].update(copy.deepcopy(spec))
    return replaced(POD, new, old)[1]


def test_images_deadlines_and_added_tolerations_may_change() -> None:
    image = [{**created(POD, pod())["spec"]["containers"][0], "image": "nginx:2"}]
    assert changed({"containers": image}) == []
    assert changed({"activeDeadlineSeconds": 10}) == []
    assert changed({"activeDeadlineSeconds": 10}, {"activeDeadlineSeconds": 20}) == []
    assert changed({"tolerations": [{"key": "a", "operator": "Exists"}]}) == []
    assert changed({"schedulingGates": []}, {"schedulingGates": [{"name": "a"}]}) == []


@pytest.mark.parametrize(
    ("new", "old", "start"),
    [
        ({"restartPolicy": "Never"}, {}, "spec: Forbidden: pod updates may not change fields other than"),
        (
            {"activeDeadlineSeconds": 20},
            {"activeDeadlineSeconds": 10},
            "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value",
        ),
        (
            {"tolerations": []},
            {"tolerations": [{"key": "a", "operator": "Exists"}]},
            "spec.tolerations: Forbidden: existing toleration can not be modified",
        ),
        (
            {"containers": [container(), container(name="d")]},
            {},
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            {"nodeSelector": {"a": "2"}},
            {"nodeSelector": {"a": "1"}, "schedulingGates": [{"name": "g"}]},
            'spec.nodeSelector: Invalid value: map[string]string{"a":"2"}: only additions',
        ),
    ],
)
def test_what_may_not_change(new: dict[str, Any], old: dict[str, Any], start: str) -> None:
    errors = changed(new, old)
    assert len(errors) == 1, errors
    assert errors[0].startswith(start)


def test_gated_pods_may_narrow_their_node_selector() -> None:
    gated = {"nodeSelector": {"a": "1"}, "schedulingGates": [{"name": "g"}]}
    assert changed({"nodeSelector": {"a": "1", "b": "2"}}, gated) == []


def test_status_writes_leave_the_spec_alone() -> None:
    old = created(POD, pod())
    new = copy.deepcopy(old)
    new["spec"] = {"containers": []}
    new["status"] = {"phase": "Running", "podIP": "10.0.0.1"}
    POD_STATUS.default(new)
    POD_STATUS.prepare_update(new, old)
    assert new["spec"] == old["spec"]
    expected = {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "qosClass": "BestEffort"}
    assert new["status"] == expected
    assert POD_STATUS.validate_update(new, old) == []


def test_ended_containers_stay_ended() -> None:
    old = created(POD, pod({"restartPolicy": "Never"}))
    old["status"]["containerStatuses"] = [{"name": "c", "state": {"terminated": {"exitCode": 1}}}]
    new = copy.deepcopy(old)
    new["status"]["containerStatuses"] = [{"name": "c", "state": {"running": {}}}]
    errors = POD_STATUS.validate_update(new, old)
    assert [error.field for error in errors] == ["status.containerStatuses[0].state"]


def test_ephemeral_containers_are_added_and_nothing_else() -> None:
    old = created(POD, pod())
    new = copy.deepcopy(old)
    new["spec"] = {"ephemeralContainers": [{"name": "debug", "image": "busybox"}], "nodeName": "stolen"}
    POD_EPHEMERAL_CONTAINERS.default(new)
    POD_EPHEMERAL_CONTAINERS.prepare_update(new, old)
    assert POD_EPHEMERAL_CONTAINERS.validate_update(new, old) == []
    assert "nodeName" not in new["spec"]
    gone = copy.deepcopy(old)
    POD_EPHEMERAL_CONTAINERS.prepare_update(gone, new)
    errors = POD_EPHEMERAL_CONTAINERS.validate_update(gone, new)
    assert [error.field for error in errors] == ["spec.ephemeralContainers"]


@pytest.mark.parametrize(
    ("spec", "phase", "requested", "expected"),
    [
        ({}, "Pending", None, 0),
        ({"nodeName": "n"}, "Running", None, 30),
        ({"nodeName": "n"}, "Running", 5, 5),
        ({"nodeName": "n"}, "Running", -1, 1),
        ({"nodeName": "n"}, "Succeeded", 5, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, "Running", None, 0),
    ],
)
def test_grace_of_deletion(spec: dict[str, Any], phase: str, requested: int | None, expected: int) -> None:
    made = created(POD, pod(spec))
    made["status"]["phase"] = phase
    assert POD.grace_period_seconds(made, requested) == expected


def test_fields_of_features_that_are_off_are_dropped() -> None:
    spec = {
        "hostUsers": False,
        "resourceClaims": [{"name": "gpu", "source": {"resourceClaimName": "g"}}],
        "containers": [
            container(
                resources={"claims": [{"name": "gpu"}]},
                resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
                securityContext={"procMount": "Unmasked"},
            )
        ],
        "initContainers": [container(name="i", restartPolicy="Always")],
    }
    template = created(POD_TEMPLATE, {"metadata": {}, "template": {"spec": spec}})["template"]
    for made in (created(POD, pod(spec))["spec"], template["spec"]):
        assert not {"hostUsers", "resourceClaims"} & set(made)
        assert made["containers"][0]["resources"] == {}
        assert made["containers"][0]["securityContext"] == {"procMount": "Default"}
        assert "resizePolicy" not in made["containers"][0]
        assert "restartPolicy" not in made["initContainers"][0]


def test_a_pod_keeps_what_it_had_before_the_feature_was_off() -> None:
    old = created(POD, pod({"initContainers": [container(name="i")]}))
    old["spec"]["initContainers"][0]["restartPolicy"] = "Always"
    old["spec"]["hostUsers"] = False
    new = copy.deepcopy(old)
    POD.prepare_update(new, old)
    assert new == old
    assert POD.validate_update(new, old) == []


def test_statuses_lose_what_features_that_are_off_would_tell() -> None:
    old = created(POD, pod())
    new = copy.deepcopy(old)
    new["status"] |= {
        "hostIPs": [{"ip": "10.0.0.1"}],
        "resize": "Proposed",
        "containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "1"}, "resources": {}, "ready": True}],
    }
    POD_STATUS.prepare_update(new, old)
    assert not {"hostIPs", "resize"} & set(new["status"])
    assert new["status"]["containerStatuses"] == [{"name": "c", "ready": True}]


def hosted(**port: int) -> dict[str, Any]:
    """A spec in the host's network."""
    return {"hostNetwork": True, "containers": [container(ports=[port])]}


@pytest.mark.parametrize(
    ("port", "in_pod", "in_template"),
    [
        ({"containerPort": 80}, [], []),
        ({"containerPort": 80, "hostPort": 80}, [], []),
        ({"containerPort": 80, "hostPort": 81}, [81], [81]),
    ],
)
def test_ports_in_the_host_network(port: dict[str, int], in_pod: list[int], in_template: list[int]) -> None:
    text = (
        "{}.containers[0].ports[0].hostPort: Invalid value: {}: must match `containerPort` when `hostNetwork` is true"
    )
    assert complaints(POD, pod(hosted(**port))) == [text.format("spec", number) for number in in_pod]
    kept = created(POD_TEMPLATE, {"metadata": {}, "template": {"spec": hosted(**port)}})
    assert [str(error) for error in POD_TEMPLATE.validate(kept)] == [
        text.format("template.spec", number) for number in in_template
    ]
    assert kept["template"]["spec"]["containers"][0]["ports"][0].get("hostPort") == port.get("hostPort")


COST = "controller.kubernetes.io/pod-deletion-cost"


@pytest.mark.parametrize(("strategy", "times"), [(POD, 2), (POD_STATUS, 1)])
def test_annotations_change_to_what_a_new_pod_may_have(strategy: Strategy, times: int) -> None:
    old = created(POD, pod())
    new = copy.deepcopy(old)
    new["metadata"]["annotations"] = {COST: "dear"}
    strategy.prepare_update(new, old)
    errors = [str(error) for error in strategy.validate_update(new, old)]
    assert errors == [f'metadata.annotations[{COST}]: Invalid value: "dear": must be a 32bit integer'] * times
