"""The quick start of the README, line by line, with an old and a current kubectl."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import (
    EXAMPLES,
    Kubectl,
    curl_until,
    eventually,
    iptables_rules,
    node_ip,
    other_host,
    pod_veths,
    wait_containers,
)

RC = str(EXAMPLES / "mytomcat-rc.yaml")
SERVICE = str(EXAMPLES / "mytomcat-svc.yaml")
APP = "app=mytomcat"


@pytest.fixture
def tomcat(any_kubectl: Kubectl) -> Iterator[Kubectl]:
    """The two manifests created, two Tomcats ready; all gone afterwards. What up.sh's own demo made goes first."""
    any_kubectl("delete", "--ignore-not-found", "-f", RC, "-f", SERVICE)
    any_kubectl.wait_ready(0, APP)
    veths_before = pod_veths()
    assert any_kubectl("create", "-f", RC) == "replicationcontroller/mytomcat created\n"
    pods = any_kubectl.wait_ready(2, APP, seconds=120)
    assert any_kubectl("create", "-f", SERVICE) == "service/mytomcat created\n"
    yield any_kubectl
    uids = [pod["metadata"]["uid"] for pod in any_kubectl.pods(APP)]
    any_kubectl("delete", "-f", SERVICE)
    any_kubectl("delete", "-f", RC)
    any_kubectl.wait_ready(0, APP)
    for uid in uids + [pod["metadata"]["uid"] for pod in pods]:
        wait_containers(uid, 0)
    eventually(lambda: pod_veths() == veths_before, seconds=20, what="the pods' links are gone")
    eventually(lambda: "mytomcat" not in iptables_rules(), seconds=20, what="the service's rules are gone")


@pytest.mark.timeout(300)
def test_quick_start(tomcat: Kubectl) -> None:
    table = tomcat("get", "pods").splitlines()
    assert re.split(r"\s{2,}", table[0]) == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert all(re.match(r"mytomcat-\w{5} +1/1 +Running +0 ", line) for line in table[1:]), table

    services = tomcat("get", "svc")
    assert re.search(r"^kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443/TCP", services, re.M)
    assert re.search(r"^mytomcat +NodePort +10\.\d+\.\d+\.\d+ +<none> +8080:30001/TCP", services, re.M)

    assert re.search(r" Ready +.*docker://", tomcat("get", "nodes", "-o", "wide"))
    wide = tomcat("get", "pod,svc", "-o", "wide")
    assert re.search(r"^pod/mytomcat-\w{5} .* 10\.244\.\d+\.\d+ ", wide, re.M)
    described = tomcat("describe", "rc,pod,svc,node")
    expected = ("Replicas: +2 current / 2 desired", "SuccessfulCreate", "Pulled", "NodePort: .*30001/TCP")
    for line in expected:
        assert re.search(line, described), line
    _tomcat_answers_everywhere()


def _tomcat_answers_everywhere() -> None:
    address = node_ip()
    curl_until(f"http://{address}:30001/", "It works")
    curl_until("http://127.0.0.1:30001/", "It works")
    with other_host() as netns:
        curl_until(f"http://{address}:30001/", "It works", netns=netns)


@pytest.mark.timeout(300)
def test_scale_delete_logs_events_and_watch(tomcat: Kubectl) -> None:
    watch = subprocess.Popen(tomcat.command("get", "pods", "-w"), stdout=subprocess.PIPE, text=True)
    follow = None
    try:
        assert tomcat("scale", "rc", "mytomcat", "--replicas=4") == "replicationcontroller/mytomcat scaled\n"
        pods = tomcat.wait_ready(4, APP)
        victim = pods[0]["metadata"]["name"]
        tomcat("delete", "pod", victim)
        replaced = tomcat.wait_ready(4, APP)
        assert victim not in {pod["metadata"]["name"] for pod in replaced}

        name = replaced[0]["metadata"]["name"]
        eventually(lambda: "Server startup" in tomcat("logs", name), seconds=30, what="Tomcat's log")
        follow = subprocess.Popen(tomcat.command("logs", "-f", name), stdout=subprocess.PIPE, text=True)
        assert follow.stdout
        assert any("Server startup" in line for line in follow.stdout)

        reasons = {event["reason"] for event in tomcat.json("get", "events")["items"]}
        assert {"Scheduled", "Pulled", "Created", "Started", "SuccessfulCreate", "Killing"} <= reasons
        assert watch.stdout
        assert any(re.match(rf"{victim} .*Terminating", line) for line in watch.stdout)
    finally:
        for process in filter(None, (watch, follow)):
            process.kill()
            process.wait()
