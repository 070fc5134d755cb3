"""The session of the binary deployment guide, on the lab that deploy/lab/run.sh has brought up.

One story: the tests run in the order of the file and each begins where the one before it ended."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.e2e.cluster import eventually
from tests.lab.machines import (
    MACHINES,
    MASTER,
    NODE1,
    NODE2,
    Machine,
    answers,
    kubectl,
    kubectl_json,
    node_conditions,
    pods,
    visitors,
    wait_for_page,
)

pytestmark = pytest.mark.timeout(300)

SHARE = "/usr/lib/mini-kubernetes/current/share"
SYSTEM = f"{SHARE}/system"
HOSTS = " ".join(f"{machine.name}={machine.address}" for machine in MACHINES)
INSTALLED = (
    *("/usr/bin/kube-*", "/usr/bin/kubelet", "/usr/lib/mini-kubernetes", "/usr/lib/systemd/system/kube*"),
    *("/etc/kubernetes", "/etc/systemd/system/etcd.service", "/etc/sysctl.d/90-mini-kubernetes.conf"),
    *("/var/lib/kubelet", "/var/lib/etcd", "/var/log/kubernetes"),
)
SHELLS = {"here": NODE1, "there": NODE2, "above": MASTER}  #: pods with a shell, and where they run
ALL_READY = dict.fromkeys((machine.name for machine in MACHINES), "True")
# For a short session: a node counts as lost after 20 s (default 40 s), its pods are replaced 5 s later (default 300 s).
GRACE_SECONDS, TOLERATION_SECONDS = 20, 5
GRACE_PERIOD = f"--node-monitor-grace-period={GRACE_SECONDS}s"
TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{why}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": TOLERATION_SECONDS,
    }
    for why in ("not-ready", "unreachable")
]


def ready_pods(selector: str, count: int, *, server: str = "") -> list[dict[str, object]]:
    """Exactly `count` pods that are Ready, or none."""

    def is_ready(pod: dict[str, object]) -> bool:
        status = pod["status"]
        assert isinstance(status, dict)
        return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))

    found = pods(selector, server=server)
    return found if len(found) == count and all(is_ready(pod) for pod in found) else []


def node_port() -> int:
    """The port at which every node answers for the service nginx."""
    return int(kubectl_json("get", "service", "nginx")["spec"]["ports"][0]["nodePort"])


def pod_ip(name: str) -> str:
    """The pod's address once it is Ready."""
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    return str(kubectl_json("get", "pod", name)["status"]["podIP"])


def run_shell_pod(name: str, node: Machine) -> None:
    """A busybox on that node that sleeps until it is deleted, with a variable of the ConfigMap `settings`."""
    colour = {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}
    shell = {
        "name": "shell",
        "image": "busybox",
        # Once it is there the image is not asked for: the registry is on the master, which is to fail.
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "1000000"],
        "env": [colour],
    }
    spec = {
        "nodeName": node.name,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "containers": [shell],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "shell"}}, "spec": spec}
    kubectl("create", "-f", "-", input=json.dumps(pod))


def in_pod(name: str, *command: str) -> str:
    """What the command prints in the pod."""
    return kubectl("exec", name, "--", *command)


def test_preflight_lists_what_is_wrong_and_the_role_script_mends_it() -> None:
    preflight = f"{SYSTEM}/preflight.sh node {HOSTS}"
    NODE1.sh("sysctl -w net.ipv4.ip_forward=0; rm /etc/kubernetes/pki/ca.crt")
    NODE1.sh("sed 's/192.168.52.138/192.168.52.238/' /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts")
    found = NODE1.sh(preflight, check=False)
    for problem in ("net.ipv4.ip_forward is not 1", "node2 is 192.168.52.238, not 192.168.52.138", "not signed by"):
        assert problem in found, found
    assert "exit 1" in NODE1.sh(f"{preflight} >/dev/null || echo exit $?")
    NODE1.sh(f"{SYSTEM}/node.sh --certificates /var/tmp/lab/certificates {HOSTS}")
    assert "wrong" not in NODE1.sh(preflight)


def test_services_start_in_the_guides_order() -> None:
    MASTER.sh(
        f'sed -i "1s/^/# edited: /; s/--allocate-node-cidrs/{GRACE_PERIOD} &/" /etc/kubernetes/controller-manager'
    )
    for machine in MACHINES:
        for service in machine.services:
            if service == "kube-dns" and machine is MASTER:
                kubectl("apply", "-f", "/etc/kubernetes/kube-dns.yaml")
            machine.systemctl("start", service)
            machine.systemctl("enable", service)
    for machine in MACHINES:
        for service in machine.services:
            assert "active (running)" in machine.systemctl("status", "--no-pager", service)


def test_all_nodes_become_ready() -> None:
    eventually(lambda: node_conditions() == ALL_READY, seconds=30, what="three Ready nodes")


def test_every_address_answers_at_the_node_port() -> None:
    kubectl("create", "deployment", "nginx", "--image=nginx", "--replicas=4")
    kubectl(
        "patch", "deployment", "nginx", "-p", json.dumps({"spec": {"template": {"spec": {"tolerations": TOLERATIONS}}}})
    )
    kubectl("expose", "deployment", "nginx", "--type=NodePort", "--port=80")
    eventually(lambda: ready_pods("app=nginx", 4), seconds=60, what="four Ready pods")
    assert "nginx" in kubectl("get", "pod,svc")
    assert {pod["spec"]["nodeName"] for pod in pods("app=nginx")} == {"node1", "node2"}
    for machine in MACHINES:
        wait_for_page(machine, node_port())


def ping_each_other(addresses: dict[str, str]) -> None:
    """Every pod reaches every other; raises AssertionError."""
    for name in addresses:
        for other, address in addresses.items():
            assert ", 0% packet loss" in in_pod(name, "ping", "-c", "2", "-W", "2", address), f"{name} to {other}"


def use_backend(old: str, new: str) -> None:
    """Change the pod network's backend in the kubelets' flags and restart them."""
    for machine in MACHINES:
        machine.sh(f"sed -i 's/{old}/{new}/' /etc/kubernetes/kubelet")
        machine.systemctl("restart", "kubelet")


def test_pods_reach_pods_of_other_machines_by_address() -> None:
    kubectl("create", "configmap", "settings", "--from-literal=colour=blue")
    for name, machine in SHELLS.items():
        run_shell_pod(name, machine)
    addresses = {name: pod_ip(name) for name in SHELLS}
    ping_each_other(addresses)
    # Full packets and many of them, so that a wrong MTU shows.
    in_pod("there", "sh", "-c", "dd if=/dev/zero of=/tmp/file bs=1000 count=2000 2>/dev/null; httpd -p 7000 -h /tmp")
    fetch = f"printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {addresses['there']} 7000 | tail -c 2000000 | wc -c"
    eventually(lambda: in_pod("here", "sh", "-c", fetch).strip() == "2000000", seconds=20, what="2 MB across machines")


def test_the_pod_network_changes_to_direct_routes_and_back() -> None:
    addresses = {name: pod_ip(name) for name in SHELLS}
    use_backend(" --node-ip", " --pod-network-backend=host-gw --node-ip")
    eventually(
        lambda: f"via {NODE2.address} dev eth1" in NODE1.sh("ip route"), seconds=30, what="a route through node2"
    )
    for machine in MACHINES:
        eventually(lambda: "vxlan" not in machine.sh("ip link"), seconds=30, what=f"no tunnel on {machine.name}")  # noqa: B023
    ping_each_other(addresses)
    use_backend(" --pod-network-backend=host-gw", "")
    for machine in MACHINES:
        eventually(lambda: machine.sh("ip route").count("vxlan") == 2, seconds=30, what=f"tunnels of {machine.name}")  # noqa: B023
    ping_each_other(addresses)


def test_pods_reach_services_by_name() -> None:
    for pod in pods("app=nginx"):
        for name in ("nginx", "nginx.default", "nginx.default.svc.cluster.local"):
            page = in_pod(pod["metadata"]["name"], "curl", "-fsS", "-m", "5", f"http://{name}/")
            assert "nginx" in page


def test_services_restart_one_by_one_without_an_outage() -> None:
    restarts: list[tuple[float, str]] = []
    with visitors(node_port()) as people:
        for machine in MACHINES:
            for service in machine.services:
                restarts.append((time.monotonic(), f"{service} on {machine.name}"))
                machine.systemctl("restart", service)
                assert machine.systemctl("is-active", service).strip() == "active"
                for person in people:
                    person.wait_for_answers(10, seconds=20)
    too_long = [
        f"{seconds:.2f} s at {person.address} after the restart of {max(r for r in restarts if r[0] <= since)[1]}"
        for person in people
        for since, seconds in person.outages
        if seconds > 1
    ]
    assert not too_long, "\n".join(too_long)
    eventually(lambda: node_conditions() == ALL_READY, seconds=30, what="three Ready nodes")
    assert ready_pods("app=nginx", 4)


def kill_container(machine: Machine, pod: str) -> None:
    """As if it had crashed; returns once its kubelet has started another in its place."""
    running = (
        f"docker ps -q --filter label=io.kubernetes.pod.name={pod} --filter label=io.kubernetes.container.name=shell"
    )
    killed = machine.sh(running).strip()
    machine.sh(f"docker kill {killed}")
    eventually(lambda: machine.sh(running).strip() not in ("", killed), seconds=20, what=f"{pod} runs again")


def pods_on_nodes() -> dict[str, tuple[str, int]]:
    """Uid and restarts of each pod that is not on the master."""
    return {
        pod["metadata"]["name"]: (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in kubectl_json("get", "pods")["items"]
        if pod["spec"]["nodeName"] != "master"
    }


def test_a_master_that_is_away_stops_no_pod() -> None:
    """Away for longer than a silent node counts as lost and its pods are tolerated there: nobody may act on that."""
    before = pods_on_nodes()
    with visitors(node_port(), (NODE1, NODE2)) as people:
        MASTER.kill()
        gone = time.monotonic()
        kill_container(NODE2, "there")
        for machine, service in ((NODE1, "kubelet"), (NODE2, "kube-proxy"), (NODE1, "kube-proxy"), (NODE1, "kube-dns")):
            machine.systemctl("restart", service)
            assert machine.systemctl("is-active", service).strip() == "active"
        time.sleep(max(0.0, gone + GRACE_SECONDS + TOLERATION_SECONDS + 5 - time.monotonic()))
        for person in people:
            person.wait_for_answers(10, seconds=20)
        MASTER.boot()
        eventually(lambda: "ok" in kubectl("get", "--raw", "/readyz"), seconds=60, what="the API server is back")
        eventually(lambda: node_conditions() == ALL_READY, seconds=60, what="three Ready nodes")
        uid, restarts = before["there"]
        after = before | {"there": (uid, restarts + 1)}
        eventually(lambda: pods_on_nodes() == after, seconds=60, what="the restart has been reported")
        time.sleep(GRACE_SECONDS + TOLERATION_SECONDS)  # who acts on what is old does so now
        assert pods_on_nodes() == after
        assert [person.outages for person in people] == [[], []]
    assert in_pod("there", "sh", "-c", "echo $COLOUR").strip() == "blue"
    assert ready_pods("app=nginx", 4)


def test_pods_of_a_lost_machine_move_and_it_comes_back_clean() -> None:
    kubectl("delete", "pod", "-l", "app=shell", "--wait=true")
    NODE2.kill()
    eventually(lambda: node_conditions()["node2"] == "Unknown", seconds=60, what="node2 is noticed missing")
    moved = eventually(lambda: ready_pods("app=nginx", 4), seconds=60, what="four Ready pods elsewhere")
    assert {pod["spec"]["nodeName"] for pod in moved} == {"node1"}
    for machine in (MASTER, NODE1):
        assert all(answers(machine.address, node_port()) for _ in range(8)), machine.name

    NODE2.boot()
    eventually(lambda: node_conditions() == ALL_READY, seconds=60, what="node2 is back")
    eventually(
        lambda: not kubectl_json("get", "pods", "--field-selector=spec.nodeName=node2", "-l", "app=nginx")["items"],
        seconds=60, what="the pods that were replaced are gone",
    )  # fmt: skip
    eventually(
        lambda: not NODE2.sh("docker ps -aq --filter label=io.kubernetes.pod.uid"), seconds=60, what="no container left"
    )
    wait_for_page(NODE2, node_port(), seconds=30)
    kubectl("scale", "deployment", "nginx", "--replicas=8")
    spread = eventually(lambda: ready_pods("app=nginx", 8), seconds=60, what="eight Ready pods")
    assert "node2" in {pod["spec"]["nodeName"] for pod in spread}


def test_the_old_guides_own_flags_start() -> None:
    """Port 8080 without certificates, the service range and admission plugins of the guide."""
    server = f"http://{MASTER.address}:8080"
    for machine in MACHINES:
        machine.systemctl("stop", *reversed(machine.services))
        machine.sh("rm -f /etc/kubernetes/controller-manager")
        role = "master" if machine is MASTER else "node"
        machine.sh(f"{SYSTEM}/{role}.sh --insecure {HOSTS}")
    MASTER.sh("rm -rf /var/lib/etcd/*")
    for machine in MACHINES:
        machine.systemctl("start", *(service for service in machine.services if service != "kube-dns"))
    kubectl("apply", "-f", "/etc/kubernetes/kube-dns.yaml", server=server)
    for machine in MACHINES:
        machine.systemctl("start", *machine.services)
        for service in machine.services:
            assert "active (running)" in machine.systemctl("status", "--no-pager", service)
    assert "--admission-control=NamespaceLifecycle,NamespaceExists" in MASTER.sh(
        "tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value kube-apiserver)/cmdline"
    )
    eventually(lambda: node_conditions(server=server) == ALL_READY, seconds=60, what="three Ready nodes")
    kubectl("create", "deployment", "nginx", "--image=nginx", "--replicas=2", server=server)
    kubectl("expose", "deployment", "nginx", "--port=80", "--type=NodePort", "--overrides", json.dumps(
        {"apiVersion": "v1", "spec": {"ports": [{"port": 80, "nodePort": 88}]}}), server=server)  # fmt: skip
    eventually(lambda: ready_pods("app=nginx", 2, server=server), seconds=60, what="two Ready pods")
    for machine in MACHINES:
        wait_for_page(machine, 88)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.name))
def test_uninstalling_leaves_nothing(machine: Machine) -> None:
    machine.sh(f"{SHARE}/uninstall.sh --purge")
    assert not machine.sh(f"ls -d {' '.join(INSTALLED)} 2>/dev/null", check=False)
    assert not machine.sh("systemctl list-unit-files --no-legend --state=enabled 'kube*' etcd.service", check=False)
    assert not machine.sh("systemctl list-units --no-legend --all 'kube*'", check=False)
    assert not machine.sh("docker ps -aq --filter label=io.kubernetes.pod.uid")
    rules = machine.sh("iptables-save; ip6tables-save")
    assert not [line for line in rules.splitlines() if re.search("KUBE|CNI", line)]
    links = machine.sh("ls /sys/class/net").split()
    assert not [name for name in links if name.startswith(("cni", "veth", "kube"))]
    assert not machine.sh("ip route show proto 107; ip route | grep 10.24", check=False)
    assert not machine.sh("ps -eo args | grep -E '[k]ube|[e]tcd '", check=False)
