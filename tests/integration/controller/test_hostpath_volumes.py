"""A claim gets a volume of its own, which goes with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from apimachinery.objects import Object
from controller.persistentvolume.hostpath import PROVISIONER
from tests.integration.controller.plane import ControlPlane


async def test_a_volume_for_a_claim(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path, "--use-service-account-credentials", "--enable-hostpath-provisioner") as plane:
        storage_class = {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard"},
            "provisioner": PROVISIONER,
        }  # fmt: skip
        await plane.client.create(STORAGE_CLASSES, storage_class)
        spec = {
            "storageClassName": "standard",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        }
        metadata = {"name": "data", "namespace": "default"}
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        await plane.client.create(PERSISTENT_VOLUME_CLAIMS, body)

        async def claim() -> Object:
            return await plane.client.get(PERSISTENT_VOLUME_CLAIMS, "default", "data")

        async def bound() -> bool:
            return ((await claim()).get("status") or {}).get("phase") == "Bound"

        await plane.until(bound)
        [volume] = (await plane.client.list(PERSISTENT_VOLUMES))["items"]
        folder = Path(volume["spec"]["hostPath"]["path"])
        (folder / "file").write_text("kept")
        await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, "default", "data")

        async def gone() -> bool:
            return not (await plane.client.list(PERSISTENT_VOLUMES))["items"]

        await plane.until(gone)
        assert not await asyncio.to_thread(folder.exists)  # it goes first
