"""The lab's machines as a test sees them: commands run on them, and requests sent to them from outside.

The machines are containers that run systemd (deploy/lab/Vagrantfile, provider docker); nothing of the project is
imported."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.cluster import eventually
from tests.kubectl import run

PREFIX = os.environ.get("MK_LAB_PREFIX", "mini-kubernetes-lab")
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("docker", "kubelet", "kube-proxy")
DNS = ("kube-dns",)  #: on two of the three


@dataclass(frozen=True)
class Machine:
    """One machine of the lab; `services` are its units in the order in which the guide starts them."""

    name: str
    address: str
    services: tuple[str, ...]

    @property
    def container(self) -> str:
        """The container that is this machine."""
        return f"{PREFIX}-{self.name}"

    def sh(self, script: str, *, check: bool = True, timeout: float = 120) -> str:
        """What a shell on the machine prints; raises CommandFailed."""
        return run("docker", "exec", self.container, "sh", "-c", script, check=check, timeout=timeout).stdout

    def systemctl(self, *arguments: str) -> str:
        """What systemctl prints; a start or restart returns once the service has said that it is ready."""
        return run("docker", "exec", self.container, "systemctl", *arguments, timeout=120).stdout

    def kill(self) -> None:
        """As if the power were cut."""
        run("docker", "kill", self.container)

    def boot(self) -> None:
        """Switch it on again."""
        run("docker", "start", self.container)


MASTER = Machine("master", "192.168.52.136", CONTROL_PLANE + NODE + DNS)
NODE1 = Machine("node1", "192.168.52.137", NODE + DNS)
NODE2 = Machine("node2", "192.168.52.138", NODE)
MACHINES = (MASTER, NODE1, NODE2)


def kubectl(*arguments: str, input: str | None = None, server: str = "") -> str:
    """kubectl as the administrator uses it on the master; `server` is asked without credentials instead where given."""
    who = ("-s", server) if server else ("--kubeconfig", "/etc/kubernetes/admin.conf")
    command = ("docker", "exec", "-i", MASTER.container, "kubectl", *who, "--request-timeout=20s", *arguments)
    return run(*command, input=input, timeout=180).stdout


def kubectl_json(*arguments: str, server: str = "") -> Any:
    """What kubectl prints with -o json."""
    return json.loads(kubectl(*arguments, "-o", "json", server=server))


def pods(selector: str, *, server: str = "") -> list[dict[str, Any]]:
    """The pods with these labels that are not being deleted."""
    items = kubectl_json("get", "pods", "-l", selector, server=server)["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def node_conditions(*, server: str = "") -> dict[str, str]:
    """Each node's Ready condition: True, False or Unknown."""
    nodes = kubectl_json("get", "nodes", server=server)["items"]
    return {
        node["metadata"]["name"]: next(c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready")
        for node in nodes
    }


def answers(address: str, port: int, *, timeout: float = 1.0) -> bool:
    """Whether an HTTP server is found there, on a connection of its own, within the seconds given."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_page(machine: Machine, port: int, seconds: float = 20) -> None:
    """Until the machine's address answers at the port."""
    eventually(lambda: answers(machine.address, port), seconds=seconds, what=f"a page at {machine.name}:{port}")


@dataclass
class Visitor:
    """Requests one address over and over.

    `outages` has (since when, seconds) from each first request that failed to the next answer. A request that was slow
    but answered is none: a lost packet is sent again after a second."""

    address: str
    port: int
    served: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _answered: threading.Condition = field(default_factory=threading.Condition)

    def visit(self) -> None:
        """Request until told to stop; runs in a thread."""
        out_since: float | None = None
        while not self._stop.is_set():
            began = time.monotonic()
            good = answers(self.address, self.port, timeout=3)
            with self._answered:
                if good:
                    if out_since is not None:
                        self.outages.append((out_since, time.monotonic() - out_since))
                        out_since = None
                    self.served += 1
                    self._answered.notify_all()
                elif out_since is None:
                    out_since = began
            self._stop.wait(0.02)

    def wait_for_answers(self, count: int, seconds: float) -> None:
        """Until that many more requests have been answered; raises AssertionError."""
        with self._answered:
            wanted = self.served + count
            assert self._answered.wait_for(lambda: self.served >= wanted, seconds), f"{self} is not answered"

    def stop(self) -> None:
        """End `visit` after the request that is under way."""
        self._stop.set()


@contextmanager
def visitors(port: int, machines: tuple[Machine, ...] = MACHINES) -> Iterator[list[Visitor]]:
    """A visitor at each machine's address."""
    people = [Visitor(machine.address, port) for machine in machines]
    threads = [threading.Thread(target=person.visit, name=f"visitor-{person.address}") for person in people]
    for thread in threads:
        thread.start()
    try:
        yield people
    finally:
        for person in people:
            person.stop()
        for thread in threads:
            thread.join()
