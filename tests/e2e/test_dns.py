"""Names as pods ask for them: the cluster's, those elsewhere, and what is in their resolv.conf."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Kubectl, eventually
from tests.kubectl import CommandFailed

_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: asks}}}}
spec:
  terminationGracePeriodSeconds: 0
  {more}
  containers:
  - {{name: c, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}}
"""


def _pod(kubectl: Kubectl, name: str, more: str = "") -> None:
    kubectl("create", "-f", "-", input=_POD.format(name=name, more=more))
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s", timeout=100)


def _in(kubectl: Kubectl, pod: str, *command: str) -> str:
    return kubectl("exec", pod, "--", *command)


@pytest.fixture
def asker(kubectl: Kubectl) -> Iterator[Kubectl]:
    """A pod that asks."""
    _pod(kubectl, "asks")
    yield kubectl


def _addresses(kubectl: Kubectl, name: str, pod: str = "asks") -> set[str]:
    """What nslookup says; raises CommandFailed where there is nothing."""
    lines = _in(kubectl, pod, "nslookup", "-type=a", name).split("\n\n", 1)[1].splitlines()
    return {line.split(":", 1)[1].strip() for line in lines if line.startswith("Address")}


@pytest.mark.timeout(240)
def test_services_by_name(asker: Kubectl) -> None:
    # By the search path of resolv.conf, which busybox's own nslookup does not take; nobody answers the ping itself.
    assert "(10.96.0.1)" in _in(asker, "asks", "sh", "-c", "ping -c 1 -W 1 kubernetes.default || true")
    assert _addresses(asker, "kubernetes.default.svc.cluster.local") == {"10.96.0.1"}
    asker("create", "deployment", "web", "--image=nginx")
    asker("expose", "deployment", "web", "--port=80")
    asker("wait", "--for=condition=Available", "deployment/web", "--timeout=120s", timeout=130)
    # Debian's busybox dies of wget's own -T.
    fetch = ("timeout", "5", "wget", "-q", "-O-", "http://web")
    page = eventually(lambda: _in(asker, "asks", *fetch), seconds=20, what="web")
    assert "nginx" in page
    asker("create", "service", "clusterip", "pods", "--clusterip=None", "--tcp=80:80")
    asker("patch", "service", "pods", "-p", '{"spec": {"selector": {"app": "web"}}}')
    address = asker.json("get", "pod", "-l", "app=web")["items"][0]["status"]["podIP"]
    eventually(
        lambda: _addresses(asker, f"pods.{asker.namespace}.svc.cluster.local") == {address},
        seconds=20,
        what="the headless service has the pod's address",
    )
    dashed = address.replace(".", "-")
    assert _addresses(asker, f"{dashed}.{asker.namespace}.pod.cluster.local") == {address}
    reverse = _in(asker, "asks", "nslookup", "10.96.0.10")
    assert "kube-dns.kube-system.svc.cluster.local" in reverse


@pytest.mark.timeout(180)
def test_a_name_that_is_not_there(asker: Kubectl) -> None:
    with pytest.raises(CommandFailed, match="NXDOMAIN"):
        _in(asker, "asks", "nslookup", "-type=a", "missing.default.svc.cluster.local")


@pytest.mark.timeout(240)
def test_resolv_conf_follows_the_policy(kubectl: Kubectl) -> None:
    _pod(kubectl, "first")
    lines = _in(kubectl, "first", "cat", "/etc/resolv.conf").splitlines()
    assert lines[0] == "nameserver 10.96.0.10"
    assert lines[1].startswith(f"search {kubectl.namespace}.svc.cluster.local svc.cluster.local cluster.local")
    assert lines[2] == "options ndots:5"
    _pod(kubectl, "host", "hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet")
    assert _in(kubectl, "host", "cat", "/etc/resolv.conf").splitlines()[0] == "nameserver 10.96.0.10"
    assert _addresses(kubectl, "kubernetes.default.svc.cluster.local", "host") == {"10.96.0.1"}
    _pod(kubectl, "own", 'dnsPolicy: None\n  dnsConfig: {nameservers: ["192.0.2.53"], searches: [example.org]}')
    assert _in(kubectl, "own", "cat", "/etc/resolv.conf") == "nameserver 192.0.2.53\nsearch example.org\n"


@pytest.mark.timeout(120)
def test_the_server_is_its_services_endpoint(kubectl: Kubectl) -> None:
    selector = "kubernetes.io/service-name=kube-dns"
    slices = kubectl.json("get", "endpointslices", "-n", "kube-system", "-l", selector)["items"]
    (endpoint,) = slices[0]["endpoints"]
    assert endpoint["conditions"]["ready"] is True
    assert {port["name"] for port in slices[0]["ports"]} == {"dns", "dns-tcp"}
