"""What beginners' guides warn of: no pods without a service account, images that can't be pulled, closed node ports."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import Kubectl, eventually
from tests.kubectl import run


def _rc(name: str, image: str) -> str:
    return f"""
apiVersion: v1
kind: ReplicationController
metadata: {{name: {name}}}
spec:
  replicas: 1
  selector: {{app: {name}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: main, image: "{image}"}}]
"""


def _events(kubectl: Kubectl, reason: str) -> list[str]:
    return [event["message"] for event in kubectl.json("get", "events")["items"] if event["reason"] == reason]


def test_a_missing_service_account_is_named_in_the_controllers_events(kubectl: Kubectl) -> None:
    manifest = _rc("web", "busybox").replace("      containers:", "      serviceAccountName: absent\n      containers:")
    kubectl("create", "-f", "-", input=manifest)
    (message,) = set(eventually(lambda: _events(kubectl, "FailedCreate"), seconds=20, what="a FailedCreate event"))
    account = f"{kubectl.namespace}/absent"
    assert f'pods "web-" is forbidden: error looking up service account {account}: ' in message
    assert 'serviceaccount "absent" not found' in message
    assert not kubectl.pods()

    kubectl("create", "serviceaccount", "absent")
    eventually(lambda: kubectl.pods("app=web"), seconds=60, what="a pod, once the service account exists")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Host and port of an empty registry of the test's own; on loopback, where dockerd asks for no certificate."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}"
    config.write_text(f"version: 0.1\nlog: {{level: warn}}\n{storage}\nhttp: {{addr: '{address}'}}\n")
    log = tmp_path / "registry.log"
    with log.open("w") as output, subprocess.Popen(["docker-registry", "serve", config], stderr=output) as server:
        try:
            url = f"http://{address}/v2/"
            eventually(lambda: run("curl", "-fsS", "-m", "2", url), seconds=20, what="the registry")
            yield address
        finally:
            server.terminate()


@pytest.fixture
def late_image(registry: str) -> Iterator[str]:
    """An image name whose image is not in its registry; gone from Docker afterwards."""
    image = f"{registry}/late-arrival:v1"
    yield image
    run("docker", "rmi", "-f", image, check=False)


def _push(image: str) -> None:
    """Build a tiny image of the machine's static BusyBox and push it to its registry."""
    tar = subprocess.run(
        ["tar", "-C", "/", "-cf", "-", "bin/busybox"], stdout=subprocess.PIPE, check=True, timeout=20
    ).stdout
    subprocess.run(
        ["docker", "import", "--change", 'CMD ["/bin/busybox", "sleep", "3600"]', "-", image],
        input=tar, check=True, timeout=30, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    run("docker", "push", "-q", image)
    run("docker", "rmi", image)


@pytest.mark.timeout(240)
def test_a_failing_pull_is_reported_and_recovers(kubectl: Kubectl, late_image: str) -> None:
    kubectl("create", "-f", "-", input=_rc("late", late_image))

    def waiting_reason() -> str:
        pods = kubectl.pods("app=late")
        states = [s.get("state", {}) for pod in pods for s in pod["status"].get("containerStatuses", ())]
        return str(states[0].get("waiting", {}).get("reason", "")) if states else ""

    eventually(lambda: waiting_reason() in ("ErrImagePull", "ImagePullBackOff"), seconds=60, what="ErrImagePull")
    eventually(lambda: waiting_reason() == "ImagePullBackOff", seconds=60, what="ImagePullBackOff")
    refusal = run("docker", "pull", late_image, check=False).stderr.strip()
    own_words = refusal.removeprefix("Error response from daemon: ")
    failures = _events(kubectl, "Failed")
    assert any(f'Failed to pull image "{late_image}"' in m and own_words in m for m in failures), failures
    assert "Back-off pulling image" in kubectl("describe", "pod", "-l", "app=late")

    _push(late_image)
    kubectl.wait_ready(1, "app=late", seconds=120)
    # Deleted here, so that the image is of no container when it is removed.
    kubectl("delete", "rc", "late", "--cascade=foreground", "--timeout=60s")


@pytest.mark.parametrize(
    "setting", ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables", "net/ipv4/conf/cni0/route_localnet"]
)
def test_the_kernel_forwards_what_node_ports_need(setting: str) -> None:
    if "route_localnet" in setting:
        values = [Path(f"/proc/sys/net/ipv4/conf/{name}/route_localnet").read_text() for name in ("all", "cni0")]
        assert "1\n" in values
    else:
        assert Path("/proc/sys", setting).read_text() == "1\n"
