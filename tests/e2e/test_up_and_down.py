"""down.sh leaves nothing behind, up.sh brings back what the store remembers. Last: it takes the cluster away."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.cluster import DAEMONS, RUN, Kubectl, container_ids, is_running, under_systemd
from tests.kubectl import CURRENT, ROOT, run


def _script(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(ROOT / "deploy" / name), *arguments], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _pids() -> dict[str, int]:
    return {name: int((RUN / f"{name}.pid").read_text().split()[0]) for name in DAEMONS}


def _kernel_rules() -> str:
    """The rules of a machine whose iptables may just have been used by nobody."""
    return "".join(run("iptables-save", "-t", table).stdout for table in ("nat", "filter", "mangle"))


def _pod_interfaces() -> set[str]:
    """Bridges and links that are not those of Docker's own networks."""
    interfaces = [path for path in Path("/sys/class/net").iterdir() if path.name.startswith(("cni", "veth"))]
    return {path.name for path in interfaces if (path / "master").resolve().name != "docker0"}


@pytest.mark.timeout(600)
def test_up_again_keeps_pods_and_down_leaves_nothing() -> None:
    kubectl = Kubectl(CURRENT)
    kubectl("create", "deployment", "stays", "--image=nginx", "--replicas=2")
    before = kubectl.wait_ready(2, "app=stays")

    _script("up.sh", "--no-demo")
    again = kubectl.wait_ready(2, "app=stays")
    assert [container_ids(pod) for pod in again] == [container_ids(pod) for pod in before]

    pids = {} if under_systemd() else _pids()
    _script("down.sh")
    assert not [name for name, pid in pids.items() if is_running(pid)]
    ours = re.compile("KUBE-|CNI-|MINI")
    assert not [line for line in _kernel_rules().splitlines() if ours.search(line)]
    assert not _pod_interfaces()
    assert not [line for line in Path("/proc/mounts").read_text().splitlines() if "/var/lib/kubelet/pods" in line]

    _script("up.sh", "--no-demo")
    kubectl.wait_ready(2, "app=stays", seconds=120)
    kubectl("delete", "deployment", "stays")
    kubectl.wait_ready(0, "app=stays")
    _script("down.sh")
