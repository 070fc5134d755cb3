"""Binds claims to volumes, keeps the phases of both, and lets them go when nothing uses them any more.

Decisions are in `plan.py`. Volumes are made and destroyed by provisioners outside, by hand, or by `hostpath.py`."""

from __future__ import annotations

import asyncio

from api.placement.volumes import is_bound, with_claim
from api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from apimachinery.errors import AlreadyExists, ApiError, NotFound
from apimachinery.objects import Object, annotations_of, is_deleting, name_of, namespace_of, uid_of
from controller.context import Context
from controller.loop import Controller, RetryLater
from controller.persistentvolume import hostpath, plan
from controller.persistentvolume.plan import Bind, Lost, Wait

_VOLUME = "volume:"


class PersistentVolumeController(Controller):
    """Keys are "namespace/name" of claims, and "volume:name" of volumes. One worker: two claims must not take the same
    volume."""

    name = "persistentvolume_binder"

    def __init__(self, context: Context) -> None:
        super().__init__(context, workers=1)
        self._recorder = context.recorder("persistentvolume-controller")
        self._claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = self.watch(PERSISTENT_VOLUMES)
        self._classes = self.watch(STORAGE_CLASSES)
        self._claims.on_change(self._claim_changed)
        self._volumes.on_change(self._volume_changed)
        self._classes.on_change(self._class_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        self.enqueue_changed(old, new)
        name = ((new or old or {}).get("spec") or {}).get("volumeName")
        if name:
            self.queue.add(_VOLUME + name)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        volume = new if new is not None else old
        if volume is None:
            return
        self.queue.add(_VOLUME + name_of(volume))
        reference = volume["spec"].get("claimRef")
        if reference:
            self.queue.add(f"{reference.get('namespace')}/{reference.get('name')}")
            return
        self._enqueue_pending()

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        self._enqueue_pending()

    def _enqueue_pending(self) -> None:
        for claim in self._claims.store.list():
            if not claim["spec"].get("volumeName"):
                self.enqueue(claim)

    async def sync(self, key: str) -> None:
        """One step of a claim or a volume."""
        if key.startswith(_VOLUME):
            await self._sync_volume(key.removeprefix(_VOLUME))
        else:
            await self._sync_claim(key)

    async def _sync_claim(self, key: str) -> None:
        claim = self._claims.store.get(key)
        if claim is None or is_deleting(claim):
            return
        storage_class = self._classes.store.get(claim["spec"].get("storageClassName") or "")
        step = plan.claim_step(claim, self._volumes.store.list(), storage_class)
        match step:
            case Bind(volume):
                await self._bind(claim, volume)
            case Lost(message):
                if (claim.get("status") or {}).get("phase") != "Lost":
                    self._recorder.event(claim, "Warning", "ClaimLost", message)
                await self._write_claim_status(claim, "Lost", None)
            case Wait():
                await self._wait(claim, step)
            case None:
                await self._write_claim_status(claim, "Pending", None)

    async def _bind(self, claim: Object, volume: Object) -> None:
        """Both sides, the volume first: a crash in between leaves a volume that is reserved for the claim."""
        if (volume["spec"].get("claimRef") or {}).get("uid") != uid_of(claim):
            volume = await self.client.update(PERSISTENT_VOLUMES, with_claim(volume, claim))
        if not is_bound(claim) or claim["spec"].get("volumeName") != name_of(volume):
            claim = await self.client.update(PERSISTENT_VOLUME_CLAIMS, plan.bound_claim(claim, volume))
        await self._write_claim_status(claim, "Bound", volume)

    async def _wait(self, claim: Object, why: Wait) -> None:
        if why.provisioner == hostpath.PROVISIONER and self.context.options.enable_hostpath_provisioner:
            await self._provision(claim)
            return
        self._recorder.event(claim, why.type, why.reason, why.message)
        if why.provisioner and annotations_of(claim).get(plan.PROVISIONER) != why.provisioner:
            annotations = {**annotations_of(claim), plan.PROVISIONER: why.provisioner}
            changed = {**claim, "metadata": {**claim["metadata"], "annotations": annotations}}
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, changed)

    async def _provision(self, claim: Object) -> None:
        """A volume of our own; its event brings the claim here again, to be bound."""
        storage_class = self._classes.store.get(claim["spec"].get("storageClassName") or "")
        if storage_class is None:
            return
        volume = hostpath.volume_for(claim, storage_class)
        try:
            await asyncio.to_thread(hostpath.make, volume)
            await self.client.create(PERSISTENT_VOLUMES, volume)
        except AlreadyExists:
            return  # not in the cache yet
        except (ApiError, OSError) as error:
            text = f'Failed to provision volume with StorageClass "{name_of(storage_class)}": {error}'
            self._recorder.event(claim, "Warning", "ProvisioningFailed", text)
            raise RetryLater(text) from error
        text = f"Successfully provisioned volume {name_of(volume)} using {hostpath.PROVISIONER}"
        self._recorder.event(claim, "Normal", "ProvisioningSucceeded", text)

    async def _reclaim(self, volume: Object) -> None:
        """Remove a released volume of our own, with what is in it."""
        try:
            await asyncio.to_thread(hostpath.remove, volume)
            await self.client.delete(PERSISTENT_VOLUMES, "", name_of(volume), uid=uid_of(volume))
        except NotFound:
            return
        except OSError as error:
            self._recorder.event(volume, "Warning", "VolumeFailedDelete", str(error))
            raise RetryLater(f"cannot delete volume {name_of(volume)}: {error}") from error

    async def _write_claim_status(self, claim: Object, phase: str, volume: Object | None) -> None:
        wanted = plan.claim_status(claim, phase, volume)
        if (claim.get("status") or {}) != wanted:
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "status": wanted}, subresource="status")

    async def _sync_volume(self, name: str) -> None:
        volume = self._volumes.store.get(name)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef") or {}
        claim = self._claims.store.get(f"{reference.get('namespace')}/{reference.get('name')}")
        if claim is None and reference.get("uid"):
            claim = await self._live_claim(reference)
        phase = plan.volume_phase(volume, claim)
        status = volume.get("status") or {}
        if status.get("phase") != phase:
            changed = {**volume, "status": {**status, "phase": phase}}
            await self.client.update(PERSISTENT_VOLUMES, changed, subresource="status")
        deletes = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if phase == "Released" and deletes and hostpath.is_ours(volume) and not is_deleting(volume):
            await self._reclaim(volume)

    async def _live_claim(self, reference: Object) -> Object | None:
        """A volume is released for good: the cache alone must not say that its claim is gone."""
        try:
            return await self.client.get(PERSISTENT_VOLUME_CLAIMS, reference["namespace"], reference["name"])
        except NotFound:
            return None


class ClaimProtectionController(Controller):
    """Lets claims go that are to be deleted once no pod uses them. Keys are "namespace/name" of claims."""

    name = "pvc_protection"

    def __init__(self, context: Context) -> None:
        super().__init__(context, workers=1)
        self._claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self._pods = self.watch(PODS)
        self._claims.on_change(self.enqueue_changed)
        self._pods.on_change(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            for name in plan.claim_names(pod) if pod is not None else ():
                self.queue.add(f"{namespace_of(pod or {})}/{name}")

    async def sync(self, key: str) -> None:
        """Take the finalizer off, the pods being looked up live."""
        claim = self._claims.store.get(key)
        free = plan.unprotected(claim, plan.CLAIM_PROTECTION) if claim is not None and is_deleting(claim) else None
        if claim is None or free is None or plan.is_in_use(claim, self._pods.store.list(namespace_of(claim))):
            return
        live = await self.client.list(PODS, namespace_of(claim))
        if not plan.is_in_use(claim, live["items"]):
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, free)


class VolumeProtectionController(Controller):
    """Lets volumes go that are to be deleted and not bound. Keys are names of volumes."""

    name = "pv_protection"

    def __init__(self, context: Context) -> None:
        super().__init__(context, workers=1)
        self._volumes = self.watch(PERSISTENT_VOLUMES)
        self._volumes.on_change(self.enqueue_changed)

    async def sync(self, key: str) -> None:
        """Take the finalizer off."""
        volume = self._volumes.store.get(key)
        if volume is None or not is_deleting(volume) or (volume.get("status") or {}).get("phase") == "Bound":
            return
        free = plan.unprotected(volume, plan.VOLUME_PROTECTION)
        if free is not None:
            await self.client.update(PERSISTENT_VOLUMES, free)
