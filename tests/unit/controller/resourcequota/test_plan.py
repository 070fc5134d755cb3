"""What is counted for a quota."""

from __future__ import annotations

from api.resources import CONFIG_MAPS, PODS, SERVICES
from apimachinery.objects import Object
from controller.resourcequota.plan import counted, frees, same, status


def pod(cpu: str, phase: str = "Running") -> Object:
    """A pod that requests cpu."""
    return {"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}, "status": {"phase": phase}}


def test_names_say_what_is_to_be_looked_at() -> None:
    assert counted(["requests.cpu", "pods", "limits.memory", "count/pods"]) == {("", "pods")}
    assert counted(["services.nodeports"]) == {("", "services")}
    assert counted(["gold.storageclass.storage.k8s.io/requests.storage"]) == {("", "persistentvolumeclaims")}
    assert counted(["count/jobs.batch", "secrets"]) == {("batch", "jobs"), ("", "secrets")}


def test_usage_adds_up() -> None:
    hard = {"requests.cpu": "2", "pods": "10", "count/jobs.batch": "3", "services": "1"}
    pods = [pod("500m"), pod("1"), pod("4", "Succeeded")]
    found = status({"spec": {"hard": hard}}, {("", "pods"): pods, ("batch", "jobs"): [{}, {}]})
    assert found["hard"] == hard
    assert found["used"] == {"requests.cpu": "1500m", "pods": "2", "count/jobs.batch": "2", "services": "0"}
    assert same({"hard": {**hard, "requests.cpu": "2000m"}, "used": {**found["used"], "requests.cpu": "1.5"}}, found)
    assert not same(None, found)


def test_only_what_gives_back_is_an_occasion_to_count() -> None:
    assert frees(PODS, pod("1"), None)
    assert frees(PODS, pod("1"), pod("1", "Succeeded"))
    assert not frees(PODS, pod("1"), pod("1"))
    assert not frees(CONFIG_MAPS, None, {})
    assert frees(SERVICES, {"spec": {"type": "NodePort"}}, {"spec": {"type": "ClusterIP"}})
