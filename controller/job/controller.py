"""Runs jobs: makes their pods, counts those that ended, finishes the job. Decisions are in `plan.py`."""

from __future__ import annotations

import logging

from api.resources import JOBS, PODS
from apimachinery.errors import ApiError, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, controller_of, is_deleting, name_of, namespace_of, split_key, uid_of
from controller.context import Context
from controller.job import plan
from controller.job.plan import Counts, Plan
from controller.ownership import controller_reference, refers_to
from controller.podowner import PodOwnerController, namespace_terminating
from controller.replicaset.plan import batches
from controller.replicaset.status import same

logger = logging.getLogger(__name__)
#: In a key in place of a job's name (which is never empty): the namespace's tracked pods without any owner.
_NO_JOB = ""


class JobController(PodOwnerController):
    """Keys are "namespace/name" of jobs."""

    name = "job"
    resource: Resource = JOBS
    component = "job-controller"
    pod_finalizer = plan.FINALIZER

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self.pods.on_change(self._orphan_changed)

    def _orphan_changed(self, old: Object | None, new: Object | None) -> None:
        """A pod whose job is gone, or that no job owns any more, must not be kept by our finalizer for ever."""
        if new is None or not plan.is_tracked(new):
            return
        reference = controller_of(new)
        if reference is None:
            self.queue.add(f"{namespace_of(new)}/{_NO_JOB}")
        elif refers_to(reference, JOBS) and self.owner_of(new) is None:
            self.queue.add(f"{namespace_of(new)}/{reference['name']}")

    async def _release_orphans(self, key: str) -> None:
        namespace, name = split_key(key)
        for pod in self.pods.store.list(namespace):
            if not plan.is_tracked(pod):
                continue
            reference = controller_of(pod)
            if reference is None:
                ours = name == _NO_JOB
            else:
                ours = reference["name"] == name and refers_to(reference, JOBS) and self.owner_of(pod) is None
            if ours:
                await self._release([pod])

    async def sync(self, key: str) -> None:
        """One step of the job."""
        await self._release_orphans(key)
        job = self.owners.store.get(key)
        if job is None:
            self.expectations.forget(key)
            return
        own = await self.claim(job)
        if plan.finished(job) or is_deleting(job):
            await self._release([pod for pod in own if plan.is_tracked(pod)])
            return
        now = self.context.clock()
        counts = plan.count(job, own)
        todo = plan.plan(job, counts, now)
        wanted = plan.status(job, counts, todo, now)
        if not same(job.get("status"), wanted):
            # Written before pods are let go or made: whoever comes after a crash finds everything counted once.
            await self.write_status(job, wanted)
            self._tell(job, wanted)
        await self._release(counts.release)
        failure = await self._manage(key, job, todo) if self.expectations.satisfied(key, self.now()) else None
        self._look_again(key, job, todo, counts)
        if failure is not None and not namespace_terminating(failure):
            raise failure

    async def _manage(self, key: str, job: Object, todo: Plan) -> ApiError | None:
        if todo.delete:
            # Without our finalizer they do not count as failures: it is we who delete them.
            await self._release(list(todo.delete))
            self.expectations.expect_deletions(key, [uid_of(pod) for pod in todo.delete], self.now())
            return next(iter(await self.delete_pods(job, todo.delete)), None)
        if not todo.create:
            return None
        self.expectations.expect_creations(key, len(todo.create), self.now())
        reference = controller_reference(job, JOBS)
        done = 0
        for size in batches(len(todo.create)):
            made = [plan.pod_for(job, index, reference) for index in todo.create[done : done + size]]
            done += size
            errors = await self.create_pods(job, made)
            if errors:
                self.expectations.creation_observed(key, len(todo.create) - done)
                return errors[0]
        return None

    def _look_again(self, key: str, job: Object, todo: Plan, counts: Counts) -> None:
        if todo.retry_after > 0:
            self.queue.add_after(key, todo.retry_after)
        left = plan.seconds_left(job, self.context.clock())
        if left is not None and left > 0:
            self.queue.add_after(key, left)
        if counts.settled or (todo.finish and not counts.release):
            self.queue.add_after(key, 1.0)

    async def _release(self, ended: list[Object]) -> None:
        """Take our finalizer off pods that are counted."""
        for pod in ended:
            patch = {"metadata": {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [plan.FINALIZER]}}
            try:
                await self.client.patch(PODS, namespace_of(pod), name_of(pod), patch, patch_type="strategic")
            except NotFound:
                continue

    def _tell(self, job: Object, wanted: Object) -> None:
        """Events for conditions that are new."""
        old = {(item["type"], item["status"]) for item in (job.get("status") or {}).get("conditions") or ()}
        for item in wanted["conditions"]:
            if (item["type"], item["status"]) in old:
                continue
            if item["type"] == "Complete":
                self.event(job, "Normal", "Completed", "Job completed")
            elif item["type"] == "Failed":
                self.event(job, "Warning", item["reason"], item["message"])
            elif item["type"] == "Suspended":
                reason = "Suspended" if item["status"] == "True" else "Resumed"
                self.event(job, "Normal", reason, item["message"])
