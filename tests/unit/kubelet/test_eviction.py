"""One look at memory and disk: what is freed, who is evicted. The machine's own levels are real; the thresholds are
such that they are crossed, or never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apimachinery.objects import Object, name_of
from kubelet.disk_usage import DiskMeter
from kubelet.eviction import EvictionConfig, EvictionManager
from kubelet.plan.eviction import parse_thresholds
from kubelet.pleg import ContainerCache
from kubelet.runtime.docker import DockerRuntime
from kubelet.runtime.engine import Engine
from kubelet.server.stats import StatsProvider
from tests.unit.kubelet.plan.pods import make_pod

ALWAYS, NEVER = "nodefs.available<100%", "nodefs.available<1"


class Node:
    """An eviction manager over pods of which nothing runs, so that no runtime is asked."""

    def __init__(self, root: Path, thresholds: str, pods: list[Object], soft: str = "") -> None:
        self.freed = 0
        self.disrupted = False
        self.evicted: list[tuple[str, str, float]] = []
        runtime = DockerRuntime(Engine(str(root / "no-docker.sock"), timeout_seconds=1), str(root))
        cache = ContainerCache(runtime, lambda _: None)
        config = EvictionConfig(
            parse_thresholds(thresholds) + parse_thresholds(soft, {"nodefs.available": 3600.0}),
            transition_seconds=300.0,
        )
        self.manager = EvictionManager(
            config, StatsProvider(runtime, cache, "n", str(root)), DiskMeter(runtime, cache, str(root)), str(root),
            lambda: str(root), lambda: pods, self._evict, self._free, lambda: None,
        )  # fmt: skip

    def _evict(self, pod: Object, message: str, *, grace_seconds: float, disrupted: bool = False) -> None:
        self.evicted.append((name_of(pod), message, grace_seconds))
        self.disrupted = disrupted

    async def _free(self) -> None:
        self.freed += 1


def pod(name: str, **fields: Any) -> Object:
    found = make_pod(**fields)
    found["metadata"] = found["metadata"] | {"name": name, "uid": name}
    return found


def fill(root: Path, uid: str, volume: str, size: int) -> None:
    folder = root / "pods" / uid / "volumes/kubernetes.io~empty-dir" / volume
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * size)


async def test_images_go_before_pods_and_the_largest_pod_first(tmp_path: Path) -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    pods = [pod("small", volumes=volumes), pod("large", volumes=volumes), pod("vital", priority=2_000_000_000)]
    fill(tmp_path, "small", "v", 10_000)
    fill(tmp_path, "large", "v", 1_000_000)
    node = Node(tmp_path, ALWAYS, pods)
    await node.manager.look()
    assert node.freed == 1
    ((name, message, grace),) = node.evicted
    assert (name, grace, node.disrupted) == ("large", 0.0, True)
    assert message.startswith("The node was low on resource: ephemeral-storage. Threshold quantity: ")
    assert node.manager.usage().disk_pressure
    assert node.manager.admits(pod("new")) is not None
    assert node.manager.admits(pods[2]) is None


async def test_a_soft_threshold_waits_for_its_grace(tmp_path: Path) -> None:
    node = Node(tmp_path, NEVER, [pod("p")], soft=ALWAYS)
    await node.manager.look()
    assert (node.freed, node.evicted, node.manager.usage().disk_pressure) == (0, [], False)


async def test_a_pod_over_its_own_limit_goes_whatever_the_node_has(tmp_path: Path) -> None:
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "100Ki"}}]
    ended = pod("ended", volumes=volumes)
    ended["status"] = {"phase": "Failed"}
    pods = [pod("within", volumes=volumes), pod("over", volumes=volumes), ended]
    fill(tmp_path, "within", "v", 50_000)
    fill(tmp_path, "over", "v", 200_000)
    fill(tmp_path, "ended", "v", 200_000)
    node = Node(tmp_path, NEVER, pods)
    await node.manager.look()
    assert node.evicted == [("over", 'Usage of EmptyDir volume "v" exceeds the limit "100Ki". ', 0.0)]
    assert not node.disrupted
