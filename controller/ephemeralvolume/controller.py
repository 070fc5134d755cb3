"""Makes the claims of pods' ephemeral volumes; the garbage collector takes them away with the pod."""

from __future__ import annotations

from api.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from apimachinery.errors import AlreadyExists, ApiError
from apimachinery.objects import Object, controller_of, is_deleting, key_of, namespace_of
from controller.context import Context
from controller.ephemeralvolume import plan
from controller.loop import Controller, RetryLater
from controller.ownership import refers_to


class EphemeralVolumeController(Controller):
    """Keys are "namespace/name" of pods."""

    name = "ephemeral_volume"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._recorder = context.recorder("ephemeral_volume")
        self._pods = self.watch(PODS)
        self._claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self._pods.on_change(self._pod_changed)
        self._claims.on_change(self._claim_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None and plan.has_ephemeral_volumes(new):
            self.enqueue(new)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        """One that was deleted is made again while its pod is there."""
        reference = controller_of(old) if new is None and old is not None else None
        if old is not None and reference is not None and refers_to(reference, PODS):
            self.queue.add(f"{namespace_of(old)}/{reference['name']}")

    async def sync(self, key: str) -> None:
        """Make the claims that are missing."""
        pod = self._pods.store.get(key)
        if pod is None or is_deleting(pod):
            return
        for claim in plan.claims(pod):
            try:
                await self._ensure(pod, claim)
            except (ApiError, RetryLater) as error:
                self._recorder.event(pod, "Warning", "FailedBinding", f"ephemeral volume: {error}")
                raise

    async def _ensure(self, pod: Object, claim: Object) -> None:
        known = self._claims.store.get(key_of(claim))
        if known is None:
            try:
                await self.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except AlreadyExists as error:
                raise RetryLater(f"PVC {key_of(claim)} exists already") from error  # its watch event is on its way
            return
        problem = plan.problem(pod, known)
        if problem:
            raise RetryLater(problem)
