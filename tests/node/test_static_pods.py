"""Static pods: from a file of the node to containers, and to the mirror pod that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from api.resources import PODS
from apimachinery.objects import Object, name_of, uid_of
from tests.node.kubelet_lab import LOOP, NODE, KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)
MIRROR = "kubernetes.io/config.mirror"
NAME = f"web-{NODE}"


def write(folder: Path, text: str = "one") -> None:
    """The manifest; containers of another text are another pod."""
    folder.mkdir(exist_ok=True)
    pod = make_pod("web", [*LOOP[:-1], f"echo {text}; {LOOP[-1]}"])
    del pod["spec"]["nodeName"]
    (folder / "web.yaml").write_text(yaml.safe_dump(pod))


async def restart_with(lab: KubeletLab, folder: Path) -> None:
    await lab.kill_kubelet()
    await lab.start_kubelet(f"--pod-manifest-path={folder}")


async def wait_shown(lab: KubeletLab) -> Object:
    """The mirror pod once there is one and its container is ready."""

    async def shown() -> bool:
        found = await lab.client.list(PODS, "default")
        return any(
            name_of(pod) == NAME and any(one["ready"] for one in pod["status"].get("containerStatuses") or ())
            for pod in found["items"]
        )

    await lab.until(shown)
    return await lab.pod(NAME)


async def test_a_static_pod_runs_and_is_shown(lab: KubeletLab, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    await restart_with(lab, folder)
    write(folder)
    shown = await wait_shown(lab)
    assert shown["metadata"]["annotations"][MIRROR]
    assert shown["metadata"]["ownerReferences"][0]["name"] == NODE
    assert shown["status"]["podIP"]
    before = await lab.containers()

    await lab.client.delete(PODS, "default", NAME)

    async def shown_again() -> bool:
        found = await lab.client.list(PODS, "default")
        return any(uid_of(pod) != uid_of(shown) for pod in found["items"])

    await lab.until(shown_again)
    await wait_shown(lab)
    assert await lab.containers() == before

    await restart_with(lab, folder)
    await wait_shown(lab)
    assert await lab.containers() == before

    write(folder, "two")

    async def another() -> bool:
        now = await lab.containers()
        return set(now) == set(before) and set(now.values()).isdisjoint(before.values())

    await lab.until(another)
    await wait_shown(lab)
    assert (await lab.pod(NAME))["metadata"]["annotations"][MIRROR] != shown["metadata"]["annotations"][MIRROR]

    (folder / "web.yaml").unlink()
    await lab.wait_gone(NAME)
    await lab.wait_nothing_left()


async def test_a_static_pod_needs_no_api_server(lab: KubeletLab, tmp_path: Path) -> None:
    write(tmp_path / "manifests")
    await lab.kill_kubelet()
    await lab.stop_api()
    await lab.start_kubelet(f"--pod-manifest-path={tmp_path / 'manifests'}")

    async def runs() -> bool:
        return f"{NAME}/c" in await lab.containers()

    await lab.until(runs)
    await lab.start_api()
    await wait_shown(lab)


async def test_mirror_pods_go_with_the_manifests_of_an_earlier_start(lab: KubeletLab, tmp_path: Path) -> None:
    write(tmp_path / "manifests")
    await restart_with(lab, tmp_path / "manifests")
    await wait_shown(lab)
    await lab.kill_kubelet()
    await lab.start_kubelet()
    await lab.wait_gone(NAME)
    await lab.wait_nothing_left()
