"""The declarations of the batch/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.batch import cronjob, job
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CRON_JOBS,
        strategy=cronjob.CRON_JOB,
        columns=cronjob.COLUMNS,
        cells=cronjob.cells,
        singular="cronjob",
        short_names=("cj",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="CronJob", strategy=cronjob.CRON_JOB_STATUS),),
        storage_path="cronjobs",
    ),
    Kind(
        resource=r.JOBS,
        strategy=job.JOB,
        columns=job.COLUMNS,
        cells=job.cells,
        selectable_fields=job.SELECTABLE,
        orphans_by_default=True,
        singular="job",
        categories=("all",),
        subresources=(Subresource(name="status", kind="Job", strategy=job.JOB_STATUS),),
        storage_path="jobs",
    ),
)
