"""The base of controllers that make pods: which pods are theirs, what they wait to see, writes with Events.

What is to be created or deleted is decided in each controller's `plan.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from api.resources import PODS
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
from controller.context import Context
from controller.expectations import Expectations
from controller.loop import Controller
from controller.ownership import ORPHANS, OWNER_INDEX, Adopter, claim, index_by_owner, refers_to

_WRITES_AT_ONCE = 32


class PodOwnerController(Controller):
    """Keys are "namespace/name" of owners. Subclasses set `resource` and `component`, and override `sync`."""

    resource: Resource
    component: str = ""
    pod_finalizer: str = ""  #: kept on the owner's pods, where there is one

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self.expectations = Expectations()
        self.recorder = context.recorder(self.component)
        self._adopter = Adopter(self.client, self.resource, PODS, finalizer=self.pod_finalizer)
        self._slots = asyncio.Semaphore(_WRITES_AT_ONCE)
        self.owners = self.watch(self.resource)
        self.pods = self.watch(PODS)
        index_by_owner(self.pods)
        index_by_owner(self.owners)
        self.owners.on_change(self.owner_changed)
        self.pods.on_change(self._pod_changed)

    def selector(self, owner: Object) -> Selector:
        """The owner's pod selector."""
        return labels.from_label_selector((owner.get("spec") or {}).get("selector"))

    # -- events ----------------------------------------------------------------------------------------------------

    def owner_changed(self, old: Object | None, new: Object | None) -> None:
        """An owner came, changed or went."""
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self.expectations.forget(key_of(old))
        self.enqueue_changed(old, new)

    def pod_updated(self, owner: Object, old: Object, new: Object) -> None:
        """One of the owner's pods changed."""
        self.enqueue(owner)

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
        owner = self.owner_of(pod)
        if owner is not None:
            self.expectations.creation_observed(key_of(owner))
            self.enqueue(owner)
        elif controller_of(pod) is None:
            self._enqueue_matching(pod)

    def _pod_updated(self, old: Object, new: Object) -> None:
        moved = controller_of(old) != controller_of(new)
        former = self.owner_of(old) if moved else None
        if former is not None:
            self.enqueue(former)
        owner = self.owner_of(new)
        if owner is not None:
            self.pod_updated(owner, old, new)
        elif controller_of(new) is None and (moved or labels_of(old) != labels_of(new)):
            self._enqueue_matching(new)

    def _pod_gone(self, pod: Object) -> None:
        owner = self.owner_of(pod)
        if owner is not None:
            self.expectations.deletion_observed(key_of(owner), uid_of(pod))
            self.enqueue(owner)

    def owner_of(self, pod: Object) -> Object | None:
        """The owner that controls the pod, if it is one of ours and still there."""
        reference = controller_of(pod)
        if reference is None or not refers_to(reference, self.resource):
            return None
        owner = self.owners.store.get(f"{namespace_of(pod)}/{reference.get('name')}")
        return owner if owner is not None and uid_of(owner) == reference.get("uid") else None

    def _enqueue_matching(self, pod: Object) -> None:
        for owner in self.owners.store.list(namespace_of(pod)):
            if self.selector(owner).matches(labels_of(pod)):
                self.enqueue(owner)

    # -- pods ------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The time that expectations are counted in."""
        return asyncio.get_running_loop().time()

    async def claim(self, owner: Object, *, counts: Callable[[Object], bool] = bool) -> list[Object]:
        """The owner's pods that count, orphans adopted and strays let go."""
        store = self.pods.store
        selector = self.selector(owner)
        candidates = [
            *store.by_index(OWNER_INDEX, uid_of(owner)),
            *(
                pod
                for pod in store.by_index(OWNER_INDEX, ORPHANS + namespace_of(owner))
                if selector.matches(labels_of(pod))
            ),
        ]
        return await self._adopter.settle(owner, claim(owner, selector, filter(counts, candidates)))

    async def create_pods(self, owner: Object, pods: Iterable[Object]) -> list[ApiError]:
        """Create all of them at once; what failed."""
        results = await asyncio.gather(*(self._create_one(owner, pod) for pod in pods))
        errors = [error for error in results if error is not None]
        self.expectations.creation_observed(key_of(owner), len(errors))
        return errors

    async def _create_one(self, owner: Object, pod: Object) -> ApiError | None:
        async with self._slots:
            try:
                made = await self.client.create(PODS, pod)
            except ApiError as error:
                if not namespace_terminating(error):
                    self.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
                return error
        self.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return None

    async def delete_pods(self, owner: Object, doomed: Iterable[Object]) -> list[ApiError]:
        """Delete all of them at once; what failed. Pods that are gone already are no failure."""
        results = await asyncio.gather(*(self._delete_one(owner, pod) for pod in doomed))
        return [error for error in results if error is not None]

    async def _delete_one(self, owner: Object, pod: Object) -> ApiError | None:
        async with self._slots:
            try:
                await self.client.delete(PODS, namespace_of(pod), name_of(pod), uid=uid_of(pod))
            except (NotFound, Conflict):
                # Gone already, or another pod of that name by now.
                self.expectations.deletion_observed(key_of(owner), uid_of(pod))
                return None
            except ApiError as error:
                self.expectations.deletion_observed(key_of(owner), uid_of(pod))
                self.event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
                return error
        self.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        return None

    def event(self, owner: Object, type: str, reason: str, message: str) -> None:
        """An Event about the owner."""
        about = {**owner, "apiVersion": self.resource.api_version, "kind": self.resource.kind}
        self.recorder.event(about, type, reason, message)

    async def write_status(self, owner: Object, status: Object) -> None:
        """Replace the owner's status; an owner that is gone needs none. Raises Conflict when it changed."""
        try:
            await self.client.update(self.resource, {**owner, "status": status}, subresource="status")
        except NotFound:
            return


def namespace_terminating(error: ApiError) -> bool:
    """Whether the API server refuses because the namespace is going away: nothing to retry, nothing to tell."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in (error.details or {}).get("causes") or ())
