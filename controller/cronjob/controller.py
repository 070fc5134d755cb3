"""Makes jobs when they are due. Decisions are in `plan.py`, the clock's arithmetic in `schedule.py`."""

from __future__ import annotations

from api.resources import CRON_JOBS, JOBS
from apimachinery.errors import AlreadyExists, ApiError, NotFound
from apimachinery.objects import Object, controller_of, key_of, name_of, namespace_of, uid_of
from controller.context import Context
from controller.cronjob import plan
from controller.cronjob.schedule import parse
from controller.job.plan import finished
from controller.loop import Controller
from controller.ownership import OWNER_INDEX, index_by_owner, refers_to
from controller.replicaset.status import same

#: A little after the minute, so that it has come by everybody's clock.
_SLACK_SECONDS = 0.1


class CronJobController(Controller):
    """Keys are "namespace/name" of cron jobs."""

    name = "cronjob"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._recorder = context.recorder("cronjob-controller")
        self._crons = self.watch(CRON_JOBS)
        self._jobs = self.watch(JOBS)
        index_by_owner(self._jobs)
        self._crons.on_change(self.enqueue_changed)
        self._jobs.on_change(self._job_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        job = new if new is not None else old
        reference = controller_of(job) if job is not None else None
        if job is None or reference is None or not refers_to(reference, CRON_JOBS):
            return
        key = f"{namespace_of(job)}/{reference['name']}"
        cron = self._crons.store.get(key)
        if cron is None or uid_of(cron) != reference["uid"]:
            return
        if old is not None and new is not None and finished(new) and not finished(old):
            text = f"Saw completed job: {name_of(new)}, status: {finished(new)}"
            self._recorder.event(cron, "Normal", "SawCompletedJob", text)
        self.queue.add(key)

    async def sync(self, key: str) -> None:
        """Make the job that is due, drop old ones, come back for the next."""
        cron = self._crons.store.get(key)
        if cron is None:
            return
        try:
            schedule = parse(cron["spec"]["schedule"], cron["spec"].get("timeZone") or "")
        except ValueError as error:
            text = f"unparseable schedule: {cron['spec']['schedule']} : {error}"
            self._recorder.event(cron, "Warning", "UnparseableSchedule", text)
            return
        now = self.context.clock()
        jobs = list(self._jobs.store.by_index(OWNER_INDEX, uid_of(cron)))
        todo = plan.plan(cron, jobs, schedule, now)
        for event in todo.events:
            self._recorder.event(cron, *event)
        for job in todo.expired:
            await self._delete(cron, job)
        for job in todo.replace:
            await self._delete(cron, job)
            jobs.remove(job)
        made = await self._create(cron, plan.job_for(cron, todo.create_for)) if todo.create_for is not None else None
        wanted = plan.status(cron, jobs, made, todo.create_for)
        if not same(cron.get("status"), wanted):
            await self._write_status(cron, wanted)
        if todo.next_time is not None:
            self.queue.add_after(key_of(cron), (todo.next_time - now).total_seconds() + _SLACK_SECONDS)

    async def _create(self, cron: Object, job: Object) -> Object:
        try:
            made = await self.client.create(JOBS, job)
        except AlreadyExists:
            return await self.client.get(JOBS, namespace_of(job), name_of(job))
        except ApiError as error:
            self._recorder.event(cron, "Warning", "FailedCreate", f"Error creating job: {error.message}")
            raise
        self._recorder.event(cron, "Normal", "SuccessfulCreate", f"Created job {name_of(made)}")
        return made

    async def _delete(self, cron: Object, job: Object) -> None:
        try:
            await self.client.delete(
                JOBS, namespace_of(job), name_of(job), uid=uid_of(job), propagation_policy="Background"
            )
        except NotFound:
            return
        self._recorder.event(cron, "Normal", "SuccessfulDelete", f"Deleted job {name_of(job)}")

    async def _write_status(self, cron: Object, wanted: Object) -> None:
        try:
            await self.client.update(CRON_JOBS, {**cron, "status": wanted}, subresource="status")
        except NotFound:
            return
