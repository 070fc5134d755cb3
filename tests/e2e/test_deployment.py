"""A Deployment of nginx through kubectl: create, expose, set image, rollout, undo, delete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Kubectl, curl_until, eventually, iptables_rules, node_ip, pod_veths, wait_containers

APP = "app=nginx"


@pytest.fixture
def nginx(any_kubectl: Kubectl) -> Iterator[Kubectl]:
    """`kubectl create deployment nginx`, exposed; all gone afterwards."""
    veths_before = pod_veths()
    assert any_kubectl("create", "deployment", "nginx", "--image=nginx") == "deployment.apps/nginx created\n"
    exposed = any_kubectl("expose", "deployment", "nginx", "--port=80", "--type=NodePort")
    assert exposed == "service/nginx exposed\n"
    yield any_kubectl
    uids = [pod["metadata"]["uid"] for pod in any_kubectl.pods(APP)]
    any_kubectl("delete", "service", "nginx")
    any_kubectl("delete", "deployment", "nginx")
    any_kubectl.wait_ready(0, APP)
    assert not any_kubectl.json("get", "rs", "-l", APP)["items"]
    for uid in uids:
        wait_containers(uid, 0)
    eventually(lambda: pod_veths() == veths_before, seconds=20, what="the pods' links are gone")
    eventually(lambda: "default/nginx" not in iptables_rules(), seconds=20, what="the service's rules are gone")


def _image(kubectl: Kubectl) -> str:
    (pod,) = kubectl.wait_ready(1, APP)
    image: str = pod["spec"]["containers"][0]["image"]
    return image


@pytest.mark.timeout(240)
def test_rollout_and_undo(nginx: Kubectl) -> None:
    assert "successfully rolled out" in nginx("rollout", "status", "deployment", "nginx", "--timeout=90s", timeout=100)
    port = nginx.json("get", "service", "nginx")["spec"]["ports"][0]["nodePort"]
    url = f"http://{node_ip()}:{port}/"
    curl_until(url, "Welcome to nginx")

    assert nginx("set", "image", "deployment", "nginx", "nginx=nginx:other") == "deployment.apps/nginx image updated\n"
    assert "successfully rolled out" in nginx("rollout", "status", "deployment", "nginx", "--timeout=90s", timeout=100)
    assert _image(nginx) == "nginx:other"
    assert "2 " in nginx("rollout", "history", "deployment", "nginx")

    assert "rolled back" in nginx("rollout", "undo", "deployment", "nginx")
    assert "successfully rolled out" in nginx("rollout", "status", "deployment", "nginx", "--timeout=90s", timeout=100)
    assert _image(nginx) == "nginx"
    curl_until(url, "Welcome to nginx")
