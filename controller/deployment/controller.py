"""Rolls deployments out: makes the replica set of the current template, resizes all sets step by step,
tells how it goes.

Sizes are decided in `plan.py`, conditions in `status.py`, templates and revisions in `template.py`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from api.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from apimachinery import labels
from apimachinery.errors import AlreadyExists, ApiError, Conflict, NotFound
from apimachinery.labels import Selector
from apimachinery.objects import (
    Object,
    annotations_of,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from controller.conditions import find
from controller.context import Context
from controller.deployment import plan, status, template
from controller.deployment.newset import build, refreshed
from controller.deployment.plan import Resize
from controller.loop import Controller
from controller.ownership import ORPHANS, OWNER_INDEX, Adopter, claim, index_by_owner, refers_to
from controller.pods import is_finished

logger = logging.getLogger(__name__)


class DeploymentController(Controller):
    """Keys are "namespace/name" of deployments."""

    name = "deployment"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._recorder = context.recorder("deployment-controller")
        self._adopter = Adopter(self.client, DEPLOYMENTS, REPLICA_SETS)
        self._deployments = self.watch(DEPLOYMENTS)
        self._sets = self.watch(REPLICA_SETS)
        self._pods = self.watch(PODS)
        index_by_owner(self._sets)
        index_by_owner(self._pods)
        self._deployments.on_change(self.enqueue_changed)
        self._sets.on_change(self._set_changed)
        self._pods.on_change(self._pod_changed)

    # -- events ----------------------------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        for item in (old, new):
            owner = self._owner_of(item) if item is not None else None
            if owner is not None:
                self.enqueue(owner)
        if new is not None and controller_of(new) is None:
            for deployment in self._deployments.store.list(namespace_of(new)):
                if selector_of(deployment).matches(labels_of(new)):
                    self.enqueue(deployment)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A recreating deployment waits for the last old pod to go."""
        if old is None or new is not None:
            return
        reference = controller_of(old)
        if reference is None or not refers_to(reference, REPLICA_SETS):
            return
        owner = self._sets.store.get(f"{namespace_of(old)}/{reference['name']}")
        deployment = self._owner_of(owner) if owner is not None else None
        if deployment is not None and not plan.is_rolling(deployment):
            self.enqueue(deployment)

    def _owner_of(self, item: Object) -> Object | None:
        reference = controller_of(item)
        if reference is None or not refers_to(reference, DEPLOYMENTS):
            return None
        owner = self._deployments.store.get(f"{namespace_of(item)}/{reference['name']}")
        return owner if owner is not None and uid_of(owner) == reference["uid"] else None

    # -- one deployment --------------------------------------------------------------------------------------------

    async def sync(self, key: str) -> None:
        """One step of the deployment."""
        deployment = self._deployments.store.get(key)
        if deployment is None:
            return
        if not deployment["spec"].get("selector"):
            return  # an empty selector would take on every replica set
        sets = await self._claim(deployment)
        if is_deleting(deployment):
            new = template.new_set(deployment, sets)
            await self._write_status(deployment, status.counts(deployment, sets, new, self.context.clock()))
            return
        paused = status.paused_condition(deployment, self.context.clock())
        if paused is not None:
            current = dict(deployment.get("status") or {})
            current["conditions"] = status.set_condition(current.get("conditions"), paused)
            deployment = await self.client.update(DEPLOYMENTS, {**deployment, "status": current}, subresource="status")
        if deployment["spec"].get("paused") or plan.is_resized(deployment, sets):
            await self._resize(deployment, sets)
        elif plan.is_rolling(deployment):
            await self._roll(deployment, sets)
        else:
            await self._recreate(deployment, sets)

    async def _claim(self, deployment: Object) -> list[Object]:
        store = self._sets.store
        candidates = [
            *store.by_index(OWNER_INDEX, uid_of(deployment)),
            *store.by_index(OWNER_INDEX, ORPHANS + namespace_of(deployment)),
        ]
        return await self._adopter.settle(deployment, claim(deployment, selector_of(deployment), candidates))

    async def _roll(self, deployment: Object, sets: list[Object]) -> None:
        deployment, sets, new = await self._with_new_set(deployment, sets)
        old = template.old_sets(sets, new)
        steps = plan.grow_new(deployment, sets, new) or plan.shrink_old(deployment, old, new)
        await self._finish(deployment, sets, new, steps)

    async def _recreate(self, deployment: Object, sets: list[Object]) -> None:
        new = template.new_set(deployment, sets)
        deployment, sets, new = await self._with_revision(deployment, sets, new)
        old = template.old_sets(sets, new)
        steps = plan.shut_down(old)
        if steps or self._old_pods_run(old):
            await self._finish(deployment, sets, new, steps)
            return
        deployment, sets, made = await self._with_new_set(deployment, sets)
        await self._finish(deployment, sets, made, plan.grow_new(deployment, sets, made))

    async def _resize(self, deployment: Object, sets: list[Object]) -> None:
        new = template.new_set(deployment, sets)
        deployment, sets, new = await self._with_revision(deployment, sets, new)
        old = template.old_sets(sets, new)
        sets = await self._apply(deployment, sets, plan.resize(deployment, new, old))
        new = template.new_set(deployment, sets)
        if deployment["spec"].get("paused"):
            await self._clean_up(deployment, template.old_sets(sets, new))
        await self._write_status(deployment, status.counts(deployment, sets, new, self.context.clock()))

    async def _finish(
        self, deployment: Object, sets: list[Object], new: Object | None, steps: Sequence[Resize]
    ) -> None:
        """Resize, drop old revisions of a finished rollout, write the status."""
        sets = await self._apply(deployment, sets, steps)
        new = template.new_set(deployment, sets)
        now = self.context.clock()
        if not steps and new is not None and status.is_complete(deployment, status.counts(deployment, sets, new, now)):
            await self._clean_up(deployment, template.old_sets(sets, new))
        wanted = status.rollout(deployment, sets, new, now)
        await self._write_status(deployment, wanted)
        seconds = status.recheck_after(deployment, wanted, now)
        if seconds is not None:
            self.queue.add_after(key_of(deployment), seconds)

    def _old_pods_run(self, old: Sequence[Object]) -> bool:
        return any(not is_finished(pod) for item in old for pod in self._pods.store.by_index(OWNER_INDEX, uid_of(item)))

    # -- the new replica set ---------------------------------------------------------------------------------------

    async def _with_new_set(self, deployment: Object, sets: list[Object]) -> tuple[Object, list[Object], Object]:
        """The deployment, its sets and the new one among them, made where it is missing."""
        new = template.new_set(deployment, sets)
        if new is None:
            new = await self._make_set(deployment, sets)
            sets = [*sets, new]
        deployment, sets, found = await self._with_revision(deployment, sets, new)
        return deployment, sets, found if found is not None else new

    async def _with_revision(
        self, deployment: Object, sets: list[Object], new: Object | None
    ) -> tuple[Object, list[Object], Object | None]:
        """Annotations of an existing new set, revision of the deployment, and its first condition, put right."""
        if new is None:
            return deployment, sets, None
        revision = template.next_revision(template.old_sets(sets, new))
        wanted = refreshed(deployment, new, revision)
        if wanted is not None:
            new = await self.client.update(REPLICA_SETS, wanted)
            sets = [new if uid_of(item) == uid_of(new) else item for item in sets]
        text = annotations_of(new).get(template.REVISION, "")
        if text and annotations_of(deployment).get(template.REVISION) != text:
            metadata = deployment["metadata"]
            annotations = {**annotations_of(deployment), template.REVISION: text}
            changed = {**deployment, "metadata": {**metadata, "annotations": annotations}}
            deployment = await self.client.update(DEPLOYMENTS, changed)
        conditions = (deployment.get("status") or {}).get("conditions")
        if status.deadline_of(deployment) is not None and find(conditions, status.PROGRESSING) is None:
            text = f'Found new replica set "{name_of(new)}"'
            deployment = self._with_condition(deployment, "True", "FoundNewReplicaSet", text)
        return deployment, sets, new

    def _with_condition(self, deployment: Object, value: str, reason: str, message: str) -> Object:
        """The deployment with that Progressing condition; written with the next status."""
        wanted = status.condition(status.PROGRESSING, value, reason, message, self.context.clock())
        current = deployment.get("status") or {}
        conditions = status.set_condition(current.get("conditions"), wanted)
        return {**deployment, "status": {**current, "conditions": conditions}}

    async def _make_set(self, deployment: Object, sets: list[Object]) -> Object:
        wanted = build(deployment, sets)
        try:
            made = await self.client.create(REPLICA_SETS, wanted)
        except AlreadyExists:
            return await self._existing(deployment, wanted)
        except ApiError as error:
            message = f'Failed to create new replica set "{name_of(wanted)}": {error.message}'
            if status.deadline_of(deployment) is not None:
                changed = self._with_condition(deployment, "False", "ReplicaSetCreateError", message)
                await self.client.update(DEPLOYMENTS, changed, subresource="status")
            self._event(deployment, "Warning", "ReplicaSetCreateError", message)
            raise
        size = template.replicas_of(made)
        if size:
            text = f"Scaled up replica set {name_of(made)} to {size}"
            self._event(deployment, "Normal", "ScalingReplicaSet", text)
        return made

    async def _existing(self, deployment: Object, wanted: Object) -> Object:
        """The set of that name: ours that the cache does not show yet, or a collision of two templates' hashes."""
        found = await self.client.get(REPLICA_SETS, namespace_of(wanted), name_of(wanted))
        reference = controller_of(found)
        if (
            reference is not None
            and reference.get("uid") == uid_of(deployment)
            and template.same_template(found["spec"]["template"], deployment["spec"]["template"])
        ):
            return found
        current = deployment.get("status") or {}
        count = (current.get("collisionCount") or 0) + 1
        changed = {**deployment, "status": {**current, "collisionCount": count}}
        await self.client.update(DEPLOYMENTS, changed, subresource="status")
        raise Conflict(f'replica set name "{name_of(wanted)}" is taken; trying another one')

    # -- writes ----------------------------------------------------------------------------------------------------

    async def _apply(self, deployment: Object, sets: list[Object], steps: Sequence[Resize]) -> list[Object]:
        """Write the new sizes; the sets as they are now."""
        changed: dict[str, Object] = {}
        for step in steps:
            changed[uid_of(step.replica_set)] = await self._scale(deployment, step)
        return [changed.get(uid_of(item), item) for item in sets]

    async def _scale(self, deployment: Object, step: Resize) -> Object:
        item = step.replica_set
        before = template.replicas_of(item)
        annotations = template.with_replica_annotations(
            annotations_of(item), template.replicas_of(deployment), plan.max_total(deployment)
        )
        if before == step.replicas and annotations == annotations_of(item):
            return item
        wanted = {
            **item,
            "metadata": {**item["metadata"], "annotations": annotations},
            "spec": {**item["spec"], "replicas": step.replicas},
        }
        made = await self.client.update(REPLICA_SETS, wanted)
        if before != step.replicas:
            direction = "up" if before < step.replicas else "down"
            text = f"Scaled {direction} replica set {name_of(item)} to {step.replicas} from {before}"
            self._event(deployment, "Normal", "ScalingReplicaSet", text)
        return made

    async def _clean_up(self, deployment: Object, old: Sequence[Object]) -> None:
        for item in plan.superfluous(deployment, old):
            try:
                await self.client.delete(REPLICA_SETS, namespace_of(item), name_of(item), uid=uid_of(item))
            except NotFound:
                continue

    async def _write_status(self, deployment: Object, wanted: Object) -> None:
        stored = self._deployments.store.get(key_of(deployment))
        if stored is not None and status.same(stored.get("status"), wanted):
            return
        try:
            await self.client.update(DEPLOYMENTS, {**deployment, "status": wanted}, subresource="status")
        except NotFound:
            return

    def _event(self, deployment: Object, type: str, reason: str, message: str) -> None:
        about = {**deployment, "apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind}
        self._recorder.event(about, type, reason, message)


def selector_of(deployment: Object) -> Selector:
    """The deployment's selector."""
    return labels.from_label_selector(deployment["spec"].get("selector"))
