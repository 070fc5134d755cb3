"""How many replicas metrics ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apimachinery.objects import Object, format_time
from controller.horizontalpodautoscaler import replicas
from controller.horizontalpodautoscaler.evaluate import Failure, Proposal, choose
from controller.horizontalpodautoscaler.replicas import NoAnswer, Sample, Settings

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def pod(
    name: str, *, phase: str = "Running", ready: bool = True, age: timedelta = timedelta(hours=1), request: str = "1"
) -> Object:
    """A pod that became ready, or not, a second after its start."""
    started = NOW - age
    condition = {
        "type": "Ready", "status": "True" if ready else "False",
        "lastTransitionTime": format_time(started + timedelta(seconds=1)),
    }  # fmt: skip
    resources = {"requests": {"cpu": request}} if request else {}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "resources": resources}]},
        "status": {"phase": phase, "startTime": format_time(started), "conditions": [condition]},
    }


def samples(**values: int) -> dict[str, Sample]:
    """Metrics of now, in thousandths."""
    return {name: Sample(value, NOW, MINUTE) for name, value in values.items()}


def by_cpu(current: int, target: int, pods: list[Object], **values: int) -> tuple[int, int]:
    """(replicas, utilization now)."""
    requests = replicas.requests_of(pods, "cpu")
    count, usage = replicas.by_utilization(current, target, samples(**values), pods, requests, "cpu", Settings(), NOW)
    return count, usage.utilization


THREE = [pod("a"), pod("b"), pod("c")]


@pytest.mark.parametrize(
    ("used", "wanted"),
    [
        (300, (2, 30)),
        (500, (3, 50)),
        (540, (3, 54)),  # within the tolerance
        (600, (4, 60)),
        (1000, (6, 100)),
    ],
)
def test_utilization(used: int, wanted: tuple[int, int]) -> None:
    assert by_cpu(3, 50, THREE, a=used, b=used, c=used) == wanted


def test_pods_without_metrics_dampen() -> None:
    assert by_cpu(3, 50, THREE, a=1000, b=1000) == (4, 100)  # the third counts as idle
    assert by_cpu(3, 50, THREE, a=200, b=200) == (3, 20)  # the third counts as fully used
    assert by_cpu(3, 150, THREE, a=100, b=100) == (2, 10)  # ... as used as is wanted, where that is more


def test_starting_pods_do_not_count_on_the_way_up() -> None:
    starting = pod("c", ready=False, age=timedelta(seconds=20))
    assert by_cpu(3, 50, [pod("a"), pod("b"), starting], a=600, b=600, c=5000) == (3, 60)
    assert by_cpu(3, 50, [pod("a"), pod("b"), starting], a=1000, b=1000, c=5000) == (4, 100)
    assert by_cpu(3, 50, [pod("a"), pod("b"), pod("c", phase="Pending")], a=100, b=100) == (1, 10)


def test_cpu_is_believed_after_a_whole_window_of_readiness() -> None:
    young = pod("a", age=timedelta(seconds=30))
    old = pod("a", age=timedelta(seconds=90))
    never_ready = pod("a", ready=False, age=timedelta(hours=1))

    def unready(one: Object, resource: str = "cpu") -> bool:
        return bool(replicas.group_pods([one], samples(a=1), resource, Settings(), NOW).unready)

    assert unready(young) and not unready(young, "memory")
    assert not unready(old)
    assert unready(never_ready)


def test_failed_and_deleted_pods_are_left_out() -> None:
    going = pod("b")
    going["metadata"]["deletionTimestamp"] = format_time(NOW)
    assert by_cpu(3, 50, [pod("a"), going, pod("c", phase="Failed")], a=1000, b=9000, c=9000) == (2, 100)


def test_what_cannot_be_told() -> None:
    with pytest.raises(NoAnswer, match="missing request for cpu in container c of Pod a"):
        by_cpu(1, 50, [pod("a", request="")], a=1)
    with pytest.raises(NoAnswer, match="no pods returned by selector"):
        replicas.by_average(1, 100, samples(a=1), [], "", Settings(), NOW)
    with pytest.raises(NoAnswer, match="did not receive metrics for any ready pods"):
        by_cpu(1, 50, [pod("a", phase="Pending")], a=1)


def test_averages() -> None:
    count, usage = replicas.by_average(3, 10_000, samples(a=20_000, b=10_000, c=30_000), THREE, "", Settings(), NOW)
    assert (count, usage.average) == (6, 20_000)


def test_one_value_for_all() -> None:
    assert replicas.by_value(3, 100, 250, THREE, Settings()) == 8
    assert replicas.by_value(3, 100, 105, THREE, Settings()) == 3
    assert replicas.by_value(0, 100, 250, [], Settings()) == 3
    assert replicas.by_value_per_pod(3, 100, 700, Settings()) == (7, 234)
    assert replicas.by_value_per_pod(3, 100, 310, Settings()) == (3, 104)


def test_the_largest_proposal_wins_but_none_scales_down_past_a_silent_metric() -> None:
    low, high, silent = Proposal(2, "low", {}), Proposal(7, "high", {}), Failure("R", "m", "s")
    assert choose([low, high], 5) == (high, None)
    assert choose([low, silent, high], 5) == (high, silent)
    assert choose([low, silent], 5) == (None, silent)
    assert choose([silent], 5) == (None, silent)
