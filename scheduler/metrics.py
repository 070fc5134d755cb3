"""The scheduler's metrics, by their names in kube-scheduler."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from scheduler.queue import SchedulingQueue

ATTEMPTS = Counter(
    "scheduler_schedule_attempts_total",
    "Number of attempts to schedule pods, by the result.",
    ["result", "profile"],
)
ALGORITHM_SECONDS = Histogram(
    "scheduler_scheduling_algorithm_duration_seconds",
    "Scheduling algorithm latency in seconds",
    buckets=[0.001 * 2**power for power in range(15)],
)
PREEMPTION_ATTEMPTS = Counter("scheduler_preemption_attempts_total", "Total preemption attempts in the cluster.")


class _PendingPods(Collector):
    queue: SchedulingQueue | None = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "scheduler_pending_pods", "Number of pending pods, by the queue they are in.", labels=["queue"]
        )
        if self.queue is not None:
            for part, count in self.queue.counts().items():
                family.add_metric([part], count)
        yield family


_pending = _PendingPods()
REGISTRY.register(_pending)


def watch_queue(queue: SchedulingQueue | None) -> None:
    """Count the pods of this queue from now on (None: of none)."""
    _pending.queue = queue
