"""Creates and deletes pods until there are as many as asked for; serves ReplicaSets and ReplicationControllers.

Decisions are in `plan.py` and `status.py`. Pods asked for but not yet seen are remembered as expectations: until
they show, nothing is counted again, so that a slow watch never makes two pods of one."""

from __future__ import annotations

import logging

from api.resources import REPLICA_SETS
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, controller_of, is_deleting, key_of, name_of, namespace_of, uid_of
from controller import pods
from controller.ownership import OWNER_INDEX, controller_reference
from controller.podowner import PodOwnerController, namespace_terminating
from controller.replicaset.plan import batches, plan
from controller.replicaset.status import same, status

logger = logging.getLogger(__name__)


class ReplicaSetController(PodOwnerController):
    """Keys are "namespace/name" of replica sets."""

    name = "replicaset"
    resource: Resource = REPLICA_SETS
    component = "replicaset-controller"

    def pod_updated(self, owner: Object, old: Object, new: Object) -> None:
        """Look again now, and once more when a pod that has become ready has been so for long enough."""
        self.enqueue(owner)
        seconds = (owner.get("spec") or {}).get("minReadySeconds") or 0
        if seconds and not pods.is_ready(old) and pods.is_ready(new):
            # One more, as times in the API are whole seconds.
            self.queue.add_after(key_of(owner), seconds + 1)

    async def sync(self, key: str) -> None:
        """Bring the number of pods to what is asked, and the status to what is there."""
        owner = self.owners.store.get(key)
        if owner is None:
            self.expectations.forget(key)
            return
        may_manage = self.expectations.satisfied(key, self.now())
        own = await self.claim(owner, counts=pods.is_active)
        failure: ApiError | None = None
        wanted = (owner.get("spec") or {}).get("replicas")
        replicas = 1 if wanted is None else wanted
        if may_manage and not is_deleting(owner):
            failure = await self._manage(key, owner, own, replicas)
        difference = len(own) - replicas
        await self._tell(owner, own, failure.message if failure else "", difference)
        if failure is not None and not namespace_terminating(failure):
            raise failure

    async def _manage(self, key: str, owner: Object, own: list[Object], replicas: int) -> ApiError | None:
        todo = plan(replicas, own, self._related(owner), self.context.clock())
        if todo.create:
            self.expectations.expect_creations(key, todo.create, self.now())
            logger.info("Too few replicas", extra={"key": key, "need": replicas, "creating": todo.create})
            return await self._create(key, owner, todo.create)
        if todo.delete:
            self.expectations.expect_deletions(key, [uid_of(pod) for pod in todo.delete], self.now())
            logger.info("Too many replicas", extra={"key": key, "need": replicas, "deleting": len(todo.delete)})
            return next(iter(await self.delete_pods(owner, todo.delete)), None)
        return None

    def _related(self, owner: Object) -> list[Object]:
        """Pods of all replica sets that share this one's own controller (of this one alone where it has none)."""
        reference = controller_of(owner)
        siblings = [owner] if reference is None else self.owners.store.by_index(OWNER_INDEX, reference["uid"])
        return [pod for one in siblings for pod in self.pods.store.by_index(OWNER_INDEX, uid_of(one))]

    async def _create(self, key: str, owner: Object, count: int) -> ApiError | None:
        """Create in growing batches; after a failure the rest is left for the next sync."""
        reference = controller_reference(owner, self.resource)
        left = count
        for size in batches(count):
            made = [
                pods.from_template(owner["spec"]["template"], name_of(owner), namespace_of(owner), reference)
                for _ in range(size)
            ]
            errors = await self.create_pods(owner, made)
            left -= size
            if errors:
                self.expectations.creation_observed(key, left)
                return errors[0]
        return None

    async def _tell(self, owner: Object, own: list[Object], failure: str, difference: int) -> None:
        wanted = status(owner, own, failure, self.context.clock(), difference=difference)
        spec = owner.get("spec") or {}
        min_ready = spec.get("minReadySeconds") or 0
        replicas = spec.get("replicas", 1)
        if min_ready and wanted.get("readyReplicas", 0) == replicas != wanted.get("availableReplicas", 0):
            self.queue.add_after(key_of(owner), min_ready)
        if not same(owner.get("status"), wanted):
            await self.write_status(owner, wanted)
