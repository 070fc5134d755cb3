"""Keeps the pods of stateful sets, with their claims and in their order. Decisions are in `plan.py`."""

from __future__ import annotations

from collections.abc import Sequence

from api.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from apimachinery.errors import AlreadyExists, ApiError, Conflict
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting, key_of, labels_of, name_of, namespace_of, uid_of
from controller import pods
from controller.context import Context
from controller.ownership import controller_reference
from controller.podowner import PodOwnerController, namespace_terminating
from controller.replicaset.status import same
from controller.revisions import Revisions, template_of
from controller.statefulset import plan
from controller.statefulset.claims import is_stale, owners_of_claim
from controller.statefulset.plan import Plan


class StatefulSetController(PodOwnerController):
    """Keys are "namespace/name" of stateful sets."""

    name = "statefulset"
    resource: Resource = STATEFUL_SETS
    component = "statefulset-controller"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self._revisions = Revisions(self.client, self.watch(CONTROLLER_REVISIONS), STATEFUL_SETS)

    def pod_updated(self, owner: Object, old: Object, new: Object) -> None:
        """Look again now, and once more when a pod that has become ready has been so for long enough."""
        self.enqueue(owner)
        seconds = owner["spec"].get("minReadySeconds") or 0
        if seconds and not pods.is_ready(old) and pods.is_ready(new):
            self.queue.add_after(key_of(owner), seconds + 1)

    async def sync(self, key: str) -> None:
        """One step, and the status."""
        owner = self.owners.store.get(key)
        if owner is None:
            self.expectations.forget(key)
            return
        update = await self._revisions.current(owner)
        current = (owner.get("status") or {}).get("currentRevision") or ""
        update_name = f"{name_of(owner)}-{update}"
        own = [pod for pod in await self.claim(owner) if plan.ordinal_of(owner, pod) is not None]
        now = self.context.clock()
        todo = Plan()
        if not is_deleting(owner) and self.expectations.satisfied(key, self.now()):
            # Pods carry the full name of their revision, as the status does.
            todo = plan.plan(owner, own, current or update_name, update_name, now)
        await self._settle_claims(owner, own)
        failure = await self._act(key, owner, todo)
        wanted = plan.status(owner, own, current or update_name, update_name, now)
        if not same(owner.get("status"), wanted):
            await self.write_status(owner, wanted)
        if failure is not None and not namespace_terminating(failure):
            raise failure
        used = {labels_of(pod).get(plan.HASH_LABEL, "") for pod in own} | {update_name, current}
        await self._revisions.trim(owner, {name.removeprefix(f"{name_of(owner)}-") for name in used})

    async def _act(self, key: str, owner: Object, todo: Plan) -> ApiError | None:
        if todo.delete:
            self.expectations.expect_deletions(key, [uid_of(pod) for pod in todo.delete], self.now())
            return next(iter(await self.delete_pods(owner, todo.delete)), None)
        if not todo.create:
            return None
        templates = {name_of(item): template_of(item) for item in self._revisions.of(owner)}
        reference = controller_reference(owner, STATEFUL_SETS)
        self.expectations.expect_creations(key, len(todo.create), self.now())
        for done, (ordinal, revision) in enumerate(todo.create):
            template = templates.get(revision) or owner["spec"]["template"]
            try:
                await self._make_claims(owner, ordinal)
                await self._make_pod(owner, plan.pod_for(owner, template, ordinal, revision, reference))
            except ApiError as error:
                self.expectations.creation_observed(key, len(todo.create) - done)
                return error
        return None

    async def _settle_claims(self, owner: Object, own: Sequence[Object]) -> None:
        """Have the claims of the pods go, or stay, with whom the retention policy says."""
        beyond = plan.start_of(owner) + plan.replicas_of(owner)
        for pod in own:
            ordinal = plan.ordinal_of(owner, pod) or 0
            condemned = not plan.start_of(owner) <= ordinal < beyond
            for template in plan.claims_for(owner, ordinal):
                claim = self._claims.store.get(key_of(template))
                references = claim and owners_of_claim(owner, claim, pod, condemned=condemned)
                if claim is None or references is None:
                    continue
                metadata = {**claim["metadata"], "ownerReferences": references}
                await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})

    async def _make_claims(self, owner: Object, ordinal: int) -> None:
        pod_name = f"{name_of(owner)}-{ordinal}"
        for claim in plan.claims_for(owner, ordinal):
            known = self._claims.store.get(key_of(claim))
            if known is not None and is_stale(known, pod_name):
                raise Conflict(f"claim {name_of(claim)} is going with the pod {pod_name} before")
            if known is not None:
                continue
            references = owners_of_claim(owner, claim, None, condemned=False)
            if references:
                claim["metadata"]["ownerReferences"] = references
            about = f"create Claim {name_of(claim)} Pod {name_of(owner)}-{ordinal} in StatefulSet {name_of(owner)}"
            try:
                await self.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except AlreadyExists:
                continue
            except ApiError as error:
                self.event(owner, "Warning", "FailedCreate", f"{about} failed error: {error.message}")
                raise
            self.event(owner, "Normal", "SuccessfulCreate", f"{about} success")

    async def _make_pod(self, owner: Object, pod: Object) -> None:
        about = f"create Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
        try:
            await self.client.create(PODS, pod)
        except AlreadyExists:
            # Not in the cache yet, or somebody else's: the watch will tell.
            self.expectations.creation_observed(f"{namespace_of(owner)}/{name_of(owner)}")
            return
        except ApiError as error:
            self.event(owner, "Warning", "FailedCreate", f"{about} failed error: {error.message}")
            raise
        self.event(owner, "Normal", "SuccessfulCreate", f"{about} successful")
