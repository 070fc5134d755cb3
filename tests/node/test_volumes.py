"""Volumes with real mounts: tmpfs, sub-paths that try to escape, restarts, and removal that harms nobody."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from apimachinery.errors import NotFound
from apimachinery.objects import Object
from kubelet.volumes import mounts
from kubelet.volumes.interface import MountFailed, SubPathFailed
from kubelet.volumes.manager import VolumeManager

REPOSITORY = Path(__file__).parents[2]


class Resources:
    """A `PodResources` of fixed objects."""

    def __init__(self) -> None:
        self.config_maps: dict[str, Object] = {"settings": {"data": {"a": "1"}}}
        self.claims: dict[str, Object] = {}
        self.volumes: dict[str, Object] = {}

    async def config_map(self, pod: Object, name: str) -> Object:
        return _found(self.config_maps, name)

    async def secret(self, pod: Object, name: str) -> Object:
        return {"data": {"password": base64.b64encode(b"pw").decode()}}

    async def persistent_volume_claim(self, namespace: str, name: str) -> Object:
        return _found(self.claims, name)

    async def persistent_volume(self, name: str) -> Object:
        return _found(self.volumes, name)

    async def service_account_token(self, pod: Object, audience: str, expiration_seconds: int) -> str:
        return f"token for {audience or 'the API server'}"

    def node_allocatable(self) -> Mapping[str, str]:
        return {"cpu": "2"}


def _found(objects: dict[str, Object], name: str) -> Object:
    if name not in objects:
        raise NotFound(f'persistentvolumeclaims "{name}" not found')
    return objects[name]


def pod(volumes: list[Object], mounted: list[Object] | None = None, **spec: Any) -> Object:
    """A pod with one container that mounts these."""
    wanted = mounted if mounted is not None else [{"name": volume["name"]} for volume in volumes]
    return {
        "metadata": {"name": "p", "namespace": "default", "uid": "uid-1"},
        "spec": {"containers": [{"name": "c", "volumeMounts": wanted}], "volumes": volumes, **spec},
    }


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "kubelet"
    mounts.unmount_below(tmp_path)


@pytest.fixture
def resources() -> Resources:
    return Resources()


@pytest.fixture
def manager(root: Path, resources: Resources) -> VolumeManager:
    return VolumeManager(root, resources)


async def test_secrets_and_tokens_are_in_memory_only(manager: VolumeManager) -> None:
    token = {"serviceAccountToken": {"path": "token", "audience": "vault"}}
    volumes = await manager.mount(
        pod(
            [
                {"name": "s", "secret": {"secretName": "s", "defaultMode": 0o400}},
                {"name": "t", "projected": {"sources": [token, {"configMap": {"name": "settings"}}]}},
            ],
            securityContext={"runAsUser": 1234},
        )
    )
    for name in ("s", "t"):
        assert mounts.is_mount(volumes[name].path)
        assert volumes[name].read_only
    assert (volumes["s"].path / "password").stat().st_mode & 0o777 == 0o400
    status = (volumes["t"].path / "token").stat()
    assert (status.st_uid, status.st_mode & 0o777) == (1234, 0o600)
    assert (volumes["t"].path / "token").read_text() == "token for vault"
    assert (volumes["t"].path / "a").read_text() == "1"


async def test_refresh_brings_new_content_and_failures_keep_the_old(
    manager: VolumeManager, resources: Resources
) -> None:
    subject = pod([{"name": "c", "configMap": {"name": "settings"}}])
    path = (await manager.mount(subject))["c"].path
    resources.config_maps["settings"] = {"data": {"b": "2"}}
    await manager.refresh(subject)
    assert [entry.name for entry in path.iterdir() if not entry.name.startswith("..")] == ["b"]
    del resources.config_maps["settings"]
    with pytest.raises(MountFailed) as failure:
        await manager.refresh(subject)
    assert str(failure.value) == 'MountVolume.SetUp failed for volume "c" : configmap "settings" not found'
    assert (path / "b").read_text() == "2"


async def test_empty_directories(manager: VolumeManager, root: Path) -> None:
    subject = pod(
        [{"name": "d", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
        securityContext={"fsGroup": 4321},
    )
    volumes = await manager.mount(subject)
    for path in (root / "pods", root / "pods/uid-1"):
        assert path.stat().st_mode & 0o777 == 0o750, "not for the node's other users"
    for name, mode in {"d": 0o2777, "m": 0o3777}.items():  # a tmpfs keeps the sticky bit that every one begins with
        volume = volumes[name]
        assert volume.path.stat().st_mode & 0o7777 == mode
        assert volume.path.stat().st_gid == 4321
        (volume.path / "kept").write_text("x")
    assert os.statvfs(volumes["m"].path).f_blocks * os.statvfs(volumes["m"].path).f_frsize == 1 << 20
    volumes["d"].path.chmod(0o700)  # as a database does with its directory
    await manager.mount(subject)
    assert (volumes["m"].path / "kept").read_text() == "x"
    assert volumes["d"].path.stat().st_mode & 0o777 == 0o700


async def test_sub_paths(manager: VolumeManager) -> None:
    mounted: list[Object] = [
        {"name": "d", "subPath": "a/b"},
        {"name": "d", "subPathExpr": "logs/$(POD)"},
        {"name": "d", "subPathExpr": "$(MISSING)"},
        {"name": "d", "subPath": "file"},
        {"name": "d", "readOnly": True},
    ]
    subject = pod([{"name": "d", "emptyDir": {}}], mounted)
    volumes = await manager.mount(subject)
    (volumes["d"].path / "file").write_text("x")
    first = await manager.mount_path(subject, "c", 0, volumes, {})
    (first.path / "seen").touch()
    assert (volumes["d"].path / "a/b/seen").exists()
    assert (await manager.mount_path(subject, "c", 0, volumes, {})).path == first.path
    expanded = await manager.mount_path(subject, "c", 1, volumes, {"POD": "p"})
    assert expanded.path.samefile(volumes["d"].path / "logs/p")
    with pytest.raises(SubPathFailed):
        await manager.mount_path(subject, "c", 2, volumes, {})
    assert (await manager.mount_path(subject, "c", 3, volumes, {})).path.read_text() == "x"
    whole = await manager.mount_path(subject, "c", 4, volumes, {})
    assert (whole.path, whole.read_only) == (volumes["d"].path, True)


@pytest.mark.parametrize("target", ["/etc", "../../../../..", "/etc/passwd"])
async def test_a_link_in_the_volume_leads_nowhere(manager: VolumeManager, target: str) -> None:
    subject = pod(
        [{"name": "d", "emptyDir": {}}], [{"name": "d", "subPath": "link/x"}, {"name": "d", "subPath": "link"}]
    )
    volumes = await manager.mount(subject)
    (volumes["d"].path / "link").symlink_to(target)
    for index in (0, 1):
        with pytest.raises(SubPathFailed, match="leads out of the volume"):
            await manager.mount_path(subject, "c", index, volumes, {})


async def test_a_link_inside_the_volume_is_followed(manager: VolumeManager) -> None:
    subject = pod([{"name": "d", "emptyDir": {}}], [{"name": "d", "subPath": "link"}])
    volumes = await manager.mount(subject)
    (volumes["d"].path / "real").mkdir()
    (volumes["d"].path / "link").symlink_to("real")
    found = await manager.mount_path(subject, "c", 0, volumes, {})
    assert found.path.samefile(volumes["d"].path / "real")


async def test_claims(manager: VolumeManager, resources: Resources, tmp_path: Path) -> None:
    subject = pod([{"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}])
    for claim in (None, {"spec": {}, "status": {"phase": "Pending"}}):
        resources.claims = {} if claim is None else {"data": claim}
        with pytest.raises(MountFailed, match=r"^Unable to attach or mount volumes: unmounted volumes=\[data\]"):
            await manager.mount(subject)
    resources.claims["data"] = {
        "metadata": {"uid": "claim"},
        "spec": {"volumeName": "pv"},
        "status": {"phase": "Bound"},
    }
    resources.volumes["pv"] = {"spec": {"local": {"path": str(tmp_path)}, "claimRef": {"uid": "claim"}}}
    volume = (await manager.mount(subject))["data"]
    assert (volume.path, volume.read_only) == (tmp_path, True)
    resources.volumes["pv"]["spec"]["claimRef"]["uid"] = "another"
    with pytest.raises(MountFailed, match="bound to another claim"):
        await manager.mount(subject)


async def test_removal_spares_what_is_mounted_inside(manager: VolumeManager, root: Path, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("x")
    subject = pod(
        [{"name": "d", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s"}}], [{"name": "d"}, {"name": "s"}]
    )
    volumes = await manager.mount(subject)
    (volumes["d"].path / "inner").mkdir()
    mounts.bind(str(treasure), volumes["d"].path / "inner")
    (volumes["d"].path / "link").symlink_to(treasure)
    await manager.unmount("uid-1")
    await manager.unmount("uid-1")
    assert (treasure / "gold").read_text() == "x"
    assert not mounts.mounts_below(root)
    assert not (root / "pods/uid-1").exists()


async def test_an_ended_pod_keeps_its_directory_without_volumes(manager: VolumeManager, root: Path) -> None:
    subject = pod([{"name": "d", "emptyDir": {"medium": "Memory"}}, {"name": "s", "secret": {"secretName": "s"}}])
    await manager.mount(subject)
    (root / "pods/uid-1/etc-hosts").write_text("x")
    await manager.release("uid-1")
    await manager.release("uid-1")
    assert not mounts.mounts_below(root)
    assert [path.name for path in (root / "pods/uid-1").iterdir()] == ["etc-hosts"]
    await manager.unmount("uid-1")
    assert not (root / "pods/uid-1").exists()


_CHURN = """
import asyncio, sys
from pathlib import Path
from kubelet.volumes.manager import VolumeManager
from tests.node.test_volumes import Resources, pod

async def churn(root):
    manager = VolumeManager(Path(root), Resources())
    subject = pod([{"name": "s", "secret": {"secretName": "s"}}, {"name": "c", "configMap": {"name": "settings"}},
                   {"name": "d", "emptyDir": {}}], [{"name": "s"}, {"name": "c"}, {"name": "d", "subPath": "x"}])
    print("going", flush=True)
    while True:
        volumes = await manager.mount(subject)
        await manager.mount_path(subject, "c", 2, volumes, {})
        await manager.unmount("uid-1")

asyncio.run(churn(sys.argv[1]))
"""


async def test_killed_at_any_moment_it_converges(manager: VolumeManager, root: Path) -> None:
    subject = pod(
        [{"name": "s", "secret": {"secretName": "s"}}, {"name": "c", "configMap": {"name": "settings"}}],
    )
    for _ in range(5):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CHURN, str(root), stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
        )
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(random.uniform(0, 0.1))  # wherever it is by then
        process.kill()
        await process.communicate()
        volumes = await manager.mount(subject)
        assert (volumes["s"].path / "password").read_bytes() == b"pw"
        assert (volumes["c"].path / "a").read_text() == "1"
        await manager.collect(["another"])
        assert not mounts.mounts_below(root)
        assert list((root / "pods").iterdir()) == []
