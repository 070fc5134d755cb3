"""kill -9 of each daemon while pods come and go: all converges, nothing is doubled or leaked, running pods stay."""

from __future__ import annotations

import pytest

from tests.e2e.cluster import (
    DAEMONS,
    Daemon,
    Kubectl,
    container_ids,
    docker_containers,
    eventually,
    pod_veths,
    wait_containers,
)

SLEEPER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleeper}
spec:
  replicas: 3
  selector: {matchLabels: {app: sleeper}}
  template:
    metadata: {labels: {app: sleeper}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: busybox
        command: [sleep, "3600"]
"""


def _settled(kubectl: Kubectl, expected: int) -> None:
    """Exactly `expected` ready pods, and for each just its own two containers in Docker."""
    pods = kubectl.wait_ready(expected, "app=sleeper", seconds=90)
    for pod in pods:
        uid = pod["metadata"]["uid"]
        wait_containers(uid, 2)
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", DAEMONS)
def test_kill_while_pods_are_created_and_deleted(kubectl: Kubectl, name: str) -> None:
    veths_before = len(pod_veths())
    kubectl("create", "-f", "-", input=SLEEPER)
    first = kubectl.wait_ready(3, "app=sleeper")
    keeper = first[0]
    kept_ids = container_ids(keeper)
    daemon = Daemon(name)

    kubectl("scale", "deployment", "sleeper", "--replicas=8")
    kubectl("delete", "pod", first[1]["metadata"]["name"], "--wait=false")
    daemon.restart()
    eventually(lambda: kubectl("get", "--raw", "/readyz"), seconds=60, what="the API server is ready")
    _settled(kubectl, 8)

    kubectl("delete", "pod", first[2]["metadata"]["name"], "--wait=false")
    command = daemon.kill()
    assert kept_ids <= set(docker_containers(keeper["metadata"]["uid"]))
    daemon.start(command)
    eventually(lambda: kubectl("get", "--raw", "/readyz"), seconds=60, what="the API server is ready")
    _settled(kubectl, 8)

    survivors = {pod["metadata"]["uid"]: pod for pod in kubectl.pods("app=sleeper")}
    assert container_ids(survivors[keeper["metadata"]["uid"]]) == kept_ids
    uids = set(survivors)
    kubectl("delete", "deployment", "sleeper")
    kubectl.wait_ready(0, "app=sleeper")
    for uid in uids:
        wait_containers(uid, 0)
    eventually(lambda: len(pod_veths()) <= veths_before, seconds=30, what="no link is left behind")
