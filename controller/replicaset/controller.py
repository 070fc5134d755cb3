"""Creates and deletes pods until there are as many as asked for; serves ReplicaSets and ReplicationControllers.

Decisions are in `plan.py` and `status.py`. Pods asked for but not yet seen are remembered as expectations: until
they show, nothing is counted again, so that a slow watch never makes two pods of one."""

from __future__ import annotations

import asyncio
import logging

from api.resources import PODS, REPLICA_SETS
from apimachinery import labels
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.labels import Selector
from apimachinery.meta import Resource
from apimachinery.objects import (
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from controller import pods
from controller.context import Context
from controller.expectations import Expectations
from controller.loop import Controller
from controller.ownership import (
    ORPHANS,
    OWNER_INDEX,
    Adopter,
    claim,
    controller_reference,
    index_by_owner,
    refers_to,
)
from controller.replicaset.plan import batches, plan
from controller.replicaset.status import same, status

logger = logging.getLogger(__name__)
_WRITES_AT_ONCE = 32


class ReplicaSetController(Controller):
    """Keys are "namespace/name" of replica sets."""

    name = "replicaset"
    resource: Resource = REPLICA_SETS
    component = "replicaset-controller"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._expectations = Expectations()
        self._recorder = context.recorder(self.component)
        self._adopter = Adopter(self.client, self.resource, PODS)
        self._slots = asyncio.Semaphore(_WRITES_AT_ONCE)
        self._owners = self.watch(self.resource)
        self._pods = self.watch(PODS)
        index_by_owner(self._pods)
        index_by_owner(self._owners)
        self._owners.on_change(self._owner_changed)
        self._pods.on_change(self._pod_changed)

    def selector(self, owner: Object) -> Selector:
        """The owner's pod selector."""
        return labels.from_label_selector((owner.get("spec") or {}).get("selector"))

    # -- events ----------------------------------------------------------------------------------------------------

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._expectations.forget(key_of(old))
        self.enqueue_changed(old, new)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            self._pod_gone(old)
            old = None
        if new is None:
            return
        if is_deleting(new):
            self._pod_gone(new)
        elif old is None:
            self._pod_added(new)
        else:
            self._pod_updated(old, new)

    def _pod_added(self, pod: Object) -> None:
        owner = self._owner_of(pod)
        if owner is not None:
            self._expectations.creation_observed(key_of(owner))
            self.enqueue(owner)
        elif controller_of(pod) is None:
            self._enqueue_matching(pod)

    def _pod_updated(self, old: Object, new: Object) -> None:
        owner = self._owner_of(new)
        if controller_of(old) != controller_of(new):
            former = self._owner_of(old)
            if former is not None:
                self.enqueue(former)
        if owner is not None:
            self.enqueue(owner)
            seconds = (owner.get("spec") or {}).get("minReadySeconds") or 0
            if seconds and not pods.is_ready(old) and pods.is_ready(new):
                # One more, as times in the API are whole seconds.
                self.queue.add_after(key_of(owner), seconds + 1)
        elif controller_of(new) is None and (
            labels_of(old) != labels_of(new) or controller_of(old) != controller_of(new)
        ):
            self._enqueue_matching(new)

    def _pod_gone(self, pod: Object) -> None:
        owner = self._owner_of(pod)
        if owner is not None:
            self._expectations.deletion_observed(key_of(owner), uid_of(pod))
            self.enqueue(owner)

    def _owner_of(self, pod: Object) -> Object | None:
        reference = controller_of(pod)
        if reference is None or not refers_to(reference, self.resource):
            return None
        owner = self._owners.store.get(f"{namespace_of(pod)}/{reference.get('name')}")
        return owner if owner is not None and uid_of(owner) == reference.get("uid") else None

    def _enqueue_matching(self, pod: Object) -> None:
        for owner in self._owners.store.list(namespace_of(pod)):
            if self.selector(owner).matches(labels_of(pod)):
                self.enqueue(owner)

    # -- one replica set -------------------------------------------------------------------------------------------

    async def sync(self, key: str) -> None:
        """Bring the number of pods to what is asked, and the status to what is there."""
        owner = self._owners.store.get(key)
        if owner is None:
            self._expectations.forget(key)
            return
        loop_time = asyncio.get_running_loop().time()
        may_manage = self._expectations.satisfied(key, loop_time)
        own = await self._claim(owner)
        failure: ApiError | None = None
        wanted = (owner.get("spec") or {}).get("replicas")
        replicas = 1 if wanted is None else wanted
        if may_manage and not is_deleting(owner):
            failure = await self._manage(key, owner, own, replicas)
        difference = len(own) - replicas
        await self._write_status(owner, own, failure.message if failure else "", difference)
        if failure is not None and not _namespace_terminating(failure):
            raise failure

    async def _claim(self, owner: Object) -> list[Object]:
        """The owner's active pods, orphans adopted."""
        store = self._pods.store
        selector = self.selector(owner)
        candidates = pods.active(
            [
                *store.by_index(OWNER_INDEX, uid_of(owner)),
                *(
                    pod
                    for pod in store.by_index(OWNER_INDEX, ORPHANS + namespace_of(owner))
                    if selector.matches(labels_of(pod))
                ),
            ]
        )
        return await self._adopter.settle(owner, claim(owner, selector, candidates))

    async def _manage(self, key: str, owner: Object, own: list[Object], replicas: int) -> ApiError | None:
        todo = plan(replicas, own, self._related(owner), self.context.clock())
        now = asyncio.get_running_loop().time()
        if todo.create:
            self._expectations.expect_creations(key, todo.create, now)
            logger.info("Too few replicas", extra={"key": key, "need": replicas, "creating": todo.create})
            return await self._create(key, owner, todo.create)
        if todo.delete:
            self._expectations.expect_deletions(key, [uid_of(pod) for pod in todo.delete], now)
            logger.info("Too many replicas", extra={"key": key, "need": replicas, "deleting": len(todo.delete)})
            return await self._delete(key, owner, todo.delete)
        return None

    def _related(self, owner: Object) -> list[Object]:
        """Pods of all replica sets that share this one's own controller (of this one alone where it has none)."""
        reference = controller_of(owner)
        siblings = [owner] if reference is None else self._owners.store.by_index(OWNER_INDEX, reference["uid"])
        return [pod for one in siblings for pod in self._pods.store.by_index(OWNER_INDEX, uid_of(one))]

    async def _create(self, key: str, owner: Object, count: int) -> ApiError | None:
        """Create in growing batches; after a failure the rest is left for the next sync."""
        left = count
        for size in batches(count):
            results = await asyncio.gather(*(self._create_one(owner) for _ in range(size)))
            left -= size
            errors = [error for error in results if error is not None]
            self._expectations.creation_observed(key, len(errors))
            if errors:
                self._expectations.creation_observed(key, left)
                return errors[0]
        return None

    async def _create_one(self, owner: Object) -> ApiError | None:
        reference = controller_reference(owner, self.resource)
        pod = pods.from_template(owner["spec"]["template"], name_of(owner), namespace_of(owner), reference)
        async with self._slots:
            try:
                made = await self.client.create(PODS, pod)
            except ApiError as error:
                if not _namespace_terminating(error):
                    self._event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
                return error
        self._event(owner, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return None

    async def _delete(self, key: str, owner: Object, doomed: tuple[Object, ...]) -> ApiError | None:
        results = await asyncio.gather(*(self._delete_one(key, owner, pod) for pod in doomed))
        return next((error for error in results if error is not None), None)

    async def _delete_one(self, key: str, owner: Object, pod: Object) -> ApiError | None:
        async with self._slots:
            try:
                await self.client.delete(PODS, namespace_of(pod), name_of(pod), uid=uid_of(pod))
            except (NotFound, Conflict):
                # Gone already, or another pod of that name by now.
                self._expectations.deletion_observed(key, uid_of(pod))
                return None
            except ApiError as error:
                self._expectations.deletion_observed(key, uid_of(pod))
                self._event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
                return error
        self._event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        return None

    def _event(self, owner: Object, type: str, reason: str, message: str) -> None:
        about = {**owner, "apiVersion": self.resource.api_version, "kind": self.resource.kind}
        self._recorder.event(about, type, reason, message)

    async def _write_status(self, owner: Object, own: list[Object], failure: str, difference: int) -> None:
        key = key_of(owner)
        wanted = status(owner, own, failure, self.context.clock(), difference=difference)
        spec = owner.get("spec") or {}
        min_ready = spec.get("minReadySeconds") or 0
        replicas = spec.get("replicas", 1)
        if min_ready and wanted.get("readyReplicas", 0) == replicas != wanted.get("availableReplicas", 0):
            self.queue.add_after(key, min_ready)
        if same(owner.get("status"), wanted):
            return
        try:
            await self.client.update(self.resource, {**owner, "status": wanted}, subresource="status")
        except NotFound:
            return


def _namespace_terminating(error: ApiError) -> bool:
    """Whether the API server refuses because the namespace is going away: nothing to retry, nothing to tell."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in (error.details or {}).get("causes") or ())
