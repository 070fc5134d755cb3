"""Deletes jobs some time after they have finished (spec.ttlSecondsAfterFinished)."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.resources import JOBS
from apimachinery.errors import NotFound
from apimachinery.objects import Object, is_deleting, parse_time, split_key, uid_of
from controller.context import Context
from controller.job.plan import finished
from controller.loop import Controller


def seconds_left(job: Object, now: datetime) -> float | None:
    """Seconds until the job's time to live is over; None for jobs that have none, or go on."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    type = finished(job)
    if ttl is None or not type or is_deleting(job):
        return None
    conditions = job["status"]["conditions"]
    ended = next(item["lastTransitionTime"] for item in conditions if item["type"] == type)
    return (parse_time(ended) + timedelta(seconds=ttl) - now).total_seconds()


class TtlAfterFinishedController(Controller):
    """Keys are "namespace/name" of jobs."""

    name = "ttl_jobs_to_delete"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._jobs = self.watch(JOBS)
        self._jobs.on_change(self._job_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and seconds_left(new, self.context.clock()) is not None:
            self.enqueue(new)

    async def sync(self, key: str) -> None:
        """Delete the job, or come back when it is time. The job is read live: its time may just have been changed."""
        namespace, name = split_key(key)
        if self._jobs.store.get(key) is None:
            return
        try:
            job = await self.client.get(JOBS, namespace, name)
            left = seconds_left(job, self.context.clock())
            if left is None:
                return
            if left > 0:
                self.queue.add_after(key, left)
                return
            await self.client.delete(
                JOBS, namespace, name, uid=uid_of(job), propagation_policy="Foreground",
                resource_version=job["metadata"]["resourceVersion"],
            )  # fmt: skip
        except NotFound:
            return
