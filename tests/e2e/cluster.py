"""The running cluster as a test sees it: kubectl, the daemons' processes, Docker's containers, the kernel's rules.

Everything is read from the outside; nothing of the project is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import kubectl
from tests.kubectl import ROOT, CommandFailed, run

EXAMPLES = ROOT / "examples"
KUBECONFIG = "/etc/kubernetes/admin.conf"
RUN = Path("/run/mini-kubernetes")
LOGS = Path("/var/log/mini-kubernetes")
DAEMONS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kube-dns")


def eventually(check: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Poll until `check` gives something true, and return that; for states that send no event."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            last = check()
        except (CommandFailed, subprocess.TimeoutExpired) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s; last seen: {last}")


@dataclass(frozen=True)
class Kubectl(kubectl.Kubectl):
    """One kubectl binary, speaking to the cluster as its administrator."""

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """The namespace's pods, or those with these labels."""
        arguments = ["get", "pods"] + (["-l", selector] if selector else [])
        items: list[dict[str, Any]] = self.json(*arguments)["items"]
        return items

    def wait_ready(self, count: int, selector: str, seconds: float = 90) -> list[dict[str, Any]]:
        """Exactly `count` pods with these labels, none of them being deleted, all Ready."""

        def settled() -> list[dict[str, Any]]:
            pods = self.pods(selector)
            good = len(pods) == count and all(is_ready(pod) for pod in pods)
            return pods if good else []

        if count == 0:
            eventually(lambda: not self.pods(selector), seconds=seconds, what=f"no pod {selector}")
            return []
        pods: list[dict[str, Any]] = eventually(settled, seconds=seconds, what=f"{count} ready pods {selector}")
        return pods


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod is Ready and stays."""
    conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def container_ids(pod: dict[str, Any]) -> set[str]:
    """The Docker ids of the pod's containers, as its status reports them."""
    return {c["containerID"].removeprefix("docker://") for c in pod["status"]["containerStatuses"]}


def wait_containers(pod_uid: str, count: int, seconds: float = 30) -> None:
    """Until the pod has exactly that many containers in Docker, its pause container included."""
    what = f"{count} containers of pod {pod_uid}"
    eventually(lambda: len(docker_containers(pod_uid)) == count, seconds=seconds, what=what)


def docker_containers(pod_uid: str = "") -> list[str]:
    """The ids of all pods' containers, pause and dead ones too; of one pod where `pod_uid` is given."""
    label = "io.kubernetes.pod.uid" + (f"={pod_uid}" if pod_uid else "")
    return run("docker", "ps", "-aq", "--no-trunc", "--filter", f"label={label}").stdout.split()


def pod_veths() -> list[str]:
    """The host ends of pods' links: the ports of the bridge cni0."""
    ports = Path("/sys/class/net/cni0/brif")
    return sorted(port.name for port in ports.iterdir()) if ports.exists() else []


def iptables_rules() -> str:
    """All rules of the nat and filter tables."""
    return run("iptables-save", "-t", "nat").stdout + run("iptables-save", "-t", "filter").stdout


def curl_until(url: str, text: str, *, netns: str = "", seconds: float = 30) -> None:
    """Until the page at `url` contains `text`."""
    eventually(lambda: text in curl(url, netns=netns), seconds=seconds, what=f"{text!r} at {url} {netns}")


def node_ip() -> str:
    """The node's InternalIP."""
    node = json.loads(run("kubectl", "--kubeconfig", KUBECONFIG, "get", "nodes", "-o", "json").stdout)["items"][0]
    ip: str = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
    return ip


def curl(url: str, *, netns: str = "") -> str:
    """The body of a 2xx answer, asked from this machine or from a network namespace; raises CommandFailed."""
    inside = ["ip", "netns", "exec", netns] if netns else []
    return run(*inside, "curl", "-fsS", "-m", "5", url).stdout


@contextmanager
def other_host(name: str = "mk-e2e-host") -> Iterator[str]:
    """A network namespace joined to this machine by a veth pair: another host, as far as packets go."""
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "mk-e2e0", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "addr", "add", "198.51.100.1/30", "dev", "mk-e2e0")
        run("ip", "link", "set", "mk-e2e0", "up")
        for arguments in (
            "addr add 198.51.100.2/30 dev eth0",
            "link set eth0 up",
            "route add default via 198.51.100.1",
        ):
            run("ip", "-n", name, *arguments.split())
        yield name
    finally:
        run("ip", "link", "delete", "mk-e2e0", check=False)
        run("ip", "netns", "delete", name)


def under_systemd() -> bool:
    """Whether the daemons are systemd's."""
    return Path("/run/systemd/system").is_dir()


@dataclass
class Daemon:
    """One daemon's process, to be killed and started again as it was."""

    name: str

    def pid(self) -> int:
        """Its process id now; 0 where it does not run."""
        if under_systemd():
            return int(run("systemctl", "show", "-p", "MainPID", "--value", self.name).stdout)
        pid = int((RUN / f"{self.name}.pid").read_text().split()[0])
        return pid if Path(f"/proc/{pid}/cmdline").exists() and is_running(pid) else 0

    def kill(self) -> list[str]:
        """kill -9; returns the command line to start it with again."""
        pid = self.pid()
        assert pid, f"{self.name} does not run"
        command = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not is_running(pid), seconds=10, what=f"{self.name} dies")
        return command

    def start(self, command: list[str]) -> None:
        """Start it as up.sh does; systemd does so itself."""
        if under_systemd():
            eventually(self.pid, seconds=20, what=f"systemd restarts {self.name}")
            return
        with (LOGS / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        program = (RUN / f"{self.name}.pid").read_text().split()[1]
        (RUN / f"{self.name}.pid").write_text(f"{process.pid} {program}\n")

    def restart(self) -> None:
        """kill -9 and start again."""
        self.start(self.kill())


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
