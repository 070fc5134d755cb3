"""Which volume a claim gets, and what becomes of both."""

from __future__ import annotations

from typing import Any

from api.placement.volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER
from apimachinery.objects import Object, name_of
from controller.persistentvolume import plan
from controller.persistentvolume.plan import Bind, Lost, Wait


def claim(size: str = "1Gi", **spec: Any) -> Object:
    """A claim for an amount."""
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": {"name": "data", "namespace": "default", "uid": "c"}, "spec": wanted}


def volume(name: str, size: str = "1Gi", **spec: Any) -> Object:
    """A volume."""
    has = {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "capacity": {"storage": size}, **spec}
    return {"metadata": {"name": name}, "spec": has}


def chosen(wanted: Object, *volumes: Object) -> str:
    """The name of the volume that the claim is bound to."""
    step = plan.claim_step(wanted, volumes, None)
    assert isinstance(step, Bind), step
    return name_of(step.volume)


def test_the_smallest_that_does() -> None:
    assert chosen(claim("2Gi"), volume("small"), volume("huge", "9Gi"), volume("fits", "3Gi")) == "fits"
    assert chosen(claim(), volume("other", storageClassName="x"), volume("b"), volume("a")) == "a"


def test_what_is_reserved_comes_first_and_what_is_taken_never() -> None:
    mine = volume("mine", "9Gi", claimRef={"namespace": "default", "name": "data"})
    taken = volume("taken", claimRef={"namespace": "default", "name": "data", "uid": "an older one"})
    assert chosen(claim(), volume("free"), mine) == "mine"
    assert isinstance(plan.claim_step(claim(), [taken], None), Wait)
    assert chosen(claim(volumeName="free"), volume("free", "1Mi")) == "free"


def test_reasons_to_wait() -> None:
    def reason(storage_class: Object | None) -> str:
        step = plan.claim_step(claim("5Gi", storageClassName="x"), [volume("small")], storage_class)
        assert isinstance(step, Wait)
        return step.reason

    assert reason(None) == "FailedBinding"
    assert reason({"provisioner": "example.com/disks"}) == "ExternalProvisioning"
    assert reason({"provisioner": "p", "volumeBindingMode": "WaitForFirstConsumer"}) == "WaitForFirstConsumer"


def test_a_bound_claim_without_its_volume_is_lost() -> None:
    bound = plan.bound_claim(claim(), volume("gone"))
    assert bound["metadata"]["annotations"] == {BIND_COMPLETED: "yes", BOUND_BY_CONTROLLER: "yes"}
    assert isinstance(plan.claim_step(bound, [], None), Lost)
    assert plan.claim_step(claim(volumeName="not yet"), [], None) is None


def test_phases() -> None:
    assert plan.volume_phase(volume("v"), None) == "Available"
    reference = {"namespace": "default", "name": "data", "uid": "c"}
    assert plan.volume_phase(volume("v", claimRef=reference), claim()) == "Bound"
    assert plan.volume_phase(volume("v", claimRef=reference), None) == "Released"
    assert plan.volume_phase(volume("v", claimRef={**reference, "uid": "older"}), claim()) == "Released"
    assert plan.claim_status(claim(), "Bound", volume("v"))["capacity"] == {"storage": "1Gi"}


def test_protection_lasts_as_long_as_a_pod_needs_the_claim() -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]},
    }
    assert plan.is_in_use(claim(), [pod])
    assert not plan.is_in_use(claim(), [{**pod, "status": {"phase": "Succeeded"}}])
    kept = {"metadata": {"finalizers": ["x", plan.CLAIM_PROTECTION]}}
    assert plan.unprotected(kept, plan.CLAIM_PROTECTION) == {"metadata": {"finalizers": ["x"]}}
    assert plan.unprotected({"metadata": {}}, plan.CLAIM_PROTECTION) is None
