"""The declarations of the batch/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.CRON_JOBS,
        singular="cronjob",
        short_names=("cj",),
        categories=("all",),
        subresources=(Subresource(name="status", kind="CronJob"),),
        storage_path="cronjobs",
    ),
    Kind(
        resource=r.JOBS,
        orphans_by_default=True,
        singular="job",
        categories=("all",),
        subresources=(Subresource(name="status", kind="Job"),),
        storage_path="jobs",
    ),
)
