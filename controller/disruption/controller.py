"""Keeps the status of disruption budgets, by which evictions are granted. Decisions are in `plan.py`."""

from __future__ import annotations

from collections.abc import Sequence

from api.resources import (
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
)
from apimachinery import labels
from apimachinery.errors import NotFound
from apimachinery.objects import Object, controller_of, key_of, labels_of, namespace_of, uid_of
from controller.context import Context
from controller.disruption.plan import needs_sizes, status
from controller.loop import Controller
from controller.ownership import refers_to
from controller.replicaset.status import same

_RECHECK_SECONDS = 120.0


class DisruptionController(Controller):
    """Keys are "namespace/name" of budgets."""

    name = "disruption"

    def __init__(self, context: Context, *, workers: int = 1) -> None:
        super().__init__(context, workers=workers)
        self._budgets = self.watch(POD_DISRUPTION_BUDGETS)
        self._pods = self.watch(PODS)
        sized = (DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS)
        self._owners = {resource: self.watch(resource) for resource in sized}
        self._budgets.on_change(self.enqueue_changed)
        self._pods.on_change(self._pod_changed)
        for informer in self._owners.values():
            informer.on_change(self._owner_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            if pod is not None:
                for budget in self._budgets.store.list(namespace_of(pod)):
                    if selects(budget, pod):
                        self.enqueue(budget)

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or old["spec"].get("replicas") != new["spec"].get("replicas"):
            for budget in self._budgets.store.list(namespace_of(new or old or {})):
                self.enqueue(budget)

    async def sync(self, key: str) -> None:
        """Write the status where it is another."""
        budget = self._budgets.store.get(key)
        if budget is None:
            return
        own = [pod for pod in self._pods.store.list(namespace_of(budget)) if selects(budget, pod)]
        asked = self._asked(own) if needs_sizes(budget) else len(own)
        wanted = status(budget, own, asked, self.context.clock())
        if wanted.get("disruptedPods"):
            self.queue.add_after(key_of(budget), _RECHECK_SECONDS)
        if same(budget.get("status"), wanted):
            return
        try:
            await self.client.update(POD_DISRUPTION_BUDGETS, {**budget, "status": wanted}, subresource="status")
        except NotFound:
            return

    def _asked(self, own: Sequence[Object]) -> int | None:
        """The replicas of all the pods' controllers; None where a pod has none whose size is known."""
        sizes: dict[str, int] = {}
        for pod in own:
            owner = self._sized_owner(pod)
            if owner is None:
                return None
            replicas = owner["spec"].get("replicas")
            sizes[uid_of(owner)] = 1 if replicas is None else replicas
        return sum(sizes.values())

    def _sized_owner(self, obj: Object) -> Object | None:
        """The controller that says how many; a deployment rather than its replica set."""
        reference = controller_of(obj)
        for resource, informer in self._owners.items():
            if reference is None or not refers_to(reference, resource):
                continue
            found = informer.store.get(f"{namespace_of(obj)}/{reference['name']}")
            if found is None or uid_of(found) != reference["uid"]:
                return None
            return (self._sized_owner(found) or found) if resource is REPLICA_SETS else found
        return None


def selects(budget: Object, pod: Object) -> bool:
    """Whether the pod falls under the budget; an empty selector takes in every pod of the namespace."""
    return labels.from_label_selector(budget["spec"].get("selector")).matches(labels_of(pod))
