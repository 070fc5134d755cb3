"""How long finished jobs stay."""

from __future__ import annotations

from datetime import UTC, datetime

from controller.ttlafterfinished.controller import seconds_left

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_time_runs_from_the_end() -> None:
    end = {"type": "Failed", "status": "True", "lastTransitionTime": "2026-01-01T11:59:00Z"}
    job = {"metadata": {}, "spec": {"ttlSecondsAfterFinished": 100}, "status": {"conditions": [end]}}
    assert seconds_left(job, NOW) == 40
    assert seconds_left({**job, "spec": {}}, NOW) is None
    assert seconds_left({**job, "status": {}}, NOW) is None
    assert seconds_left({**job, "metadata": {"deletionTimestamp": "2026-01-01T11:59:30Z"}}, NOW) is None
