"""How many replicas a metric asks for. Pure; quantities are in thousandths (milli-units), times are passed in.

The rules are those of "Horizontal Pod Autoscaling", section "Algorithm details", of the Kubernetes documentation:
pods that just started or have no metric are first left out, then counted so that they dampen the change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery import quantity
from apimachinery.objects import Object, is_deleting, name_of, parse_time
from controller.conditions import condition_of
from controller.pods import is_ready, phase


class NoAnswer(Exception):
    """The metric does not tell how many replicas there should be; the message says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One pod's metric."""

    value: int  #: in thousandths
    timestamp: datetime
    window: timedelta  #: the time over which it was measured, before `timestamp`


@dataclass(frozen=True, slots=True)
class Settings:
    """The flags --horizontal-pod-autoscaler-*."""

    tolerance: float = 0.1
    cpu_initialization: timedelta = timedelta(minutes=5)
    initial_readiness_delay: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Groups:
    """Pods by how much their metrics tell."""

    ready: int
    unready: frozenset[str]  #: pending, or CPU metrics from the time of starting
    missing: frozenset[str]  #: no metric
    ignored: frozenset[str]  #: failed, or being deleted


@dataclass(frozen=True, slots=True)
class Usage:
    """What the pods use against what they should."""

    ratio: float
    average: int  #: in thousandths, of a pod
    utilization: int = 0  #: per cent of the requests, where that is the target


def group_pods(
    pods: Iterable[Object], samples: Mapping[str, Sample], resource: str, settings: Settings, now: datetime
) -> Groups:
    """Sort the pods; `resource` is "" for metrics that are of no resource."""
    ready = 0
    unready, missing, ignored = set(), set(), set()
    for pod in pods:
        name = name_of(pod)
        if is_deleting(pod) or phase(pod) == "Failed":
            ignored.add(name)
        elif phase(pod) == "Pending":
            unready.add(name)
        elif name not in samples:
            missing.add(name)
        elif resource == "cpu" and _is_starting(pod, samples[name], settings, now):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _is_starting(pod: Object, sample: Sample, settings: Settings, now: datetime) -> bool:
    """Whether its CPU metric says more of its start than of its work."""
    condition, started = condition_of(pod, "Ready"), (pod.get("status") or {}).get("startTime")
    if condition is None or not started:
        return True
    began, is_false = parse_time(started), condition.get("status") == "False"
    changed = parse_time(condition["lastTransitionTime"]) if condition.get("lastTransitionTime") else began
    if began + settings.cpu_initialization > now:
        return is_false or sample.timestamp < changed + sample.window
    return is_false and began + settings.initial_readiness_delay > changed


def requests_of(pods: Iterable[Object], resource: str, container: str = "") -> dict[str, int]:
    """What each pod's containers (or the one named) request, in thousandths. Raises NoAnswer where one says nothing."""
    found = {}
    for pod in pods:
        total = 0
        for one in pod["spec"]["containers"]:
            if container and one["name"] != container:
                continue
            request = ((one.get("resources") or {}).get("requests") or {}).get(resource)
            if request is None:
                raise NoAnswer(f"missing request for {resource} in container {one['name']} of Pod {name_of(pod)}")
            total += quantity.parse(request).milli_value()
        found[name_of(pod)] = total
    return found


def by_utilization(
    current: int, target: int, samples: Mapping[str, Sample], pods: list[Object], requests: Mapping[str, int],
    resource: str, settings: Settings, now: datetime,
) -> tuple[int, Usage]:  # fmt: skip
    """Replicas so that the pods use `target` per cent of their requests, and what they use. Raises NoAnswer."""

    def usage(values: Mapping[str, int]) -> Usage:
        known = [name for name in values if name in requests]
        asked = sum(requests[name] for name in known)
        if not asked:
            raise NoAnswer("no metrics returned matched known pods")
        used = sum(values[name] for name in known)
        percent = used * 100 // asked
        return Usage(percent / target, used // len(known), percent)

    fallback = {name: request * max(100, target) // 100 for name, request in requests.items()}
    return _by_pods(current, samples, pods, resource, settings, now, usage, lambda name: fallback.get(name, 0))


def by_average(
    current: int, target: int, samples: Mapping[str, Sample], pods: list[Object], resource: str,
    settings: Settings, now: datetime,
) -> tuple[int, Usage]:  # fmt: skip
    """Replicas so that the metric is `target` (thousandths) on average over the pods. Raises NoAnswer."""

    def usage(values: Mapping[str, int]) -> Usage:
        average = sum(values.values()) // len(values)
        return Usage(average / target, average)

    return _by_pods(current, samples, pods, resource, settings, now, usage, lambda _: target)


def _by_pods(
    current: int, samples: Mapping[str, Sample], pods: list[Object], resource: str, settings: Settings,
    now: datetime, usage: Callable[[Mapping[str, int]], Usage], full: Callable[[str], int],
) -> tuple[int, Usage]:  # fmt: skip
    """Replicas by the usage of pods; `full` is what a pod without metric counts as where it would be scaled down."""
    if not pods:
        raise NoAnswer("no pods returned by selector while calculating replica count")
    groups = group_pods(pods, samples, resource, settings, now)
    values = {
        name: sample.value
        for name, sample in samples.items()
        if name not in groups.ignored and name not in groups.unready
    }
    if not values:
        raise NoAnswer("did not receive metrics for any ready pods")
    seen = usage(values)
    dampened = groups.unready if seen.ratio > 1 else frozenset[str]()
    if not dampened and not groups.missing:
        if is_near(seen.ratio, settings.tolerance):
            return current, seen
        return math.ceil(seen.ratio * groups.ready), seen
    if seen.ratio < 1:
        values |= {name: full(name) for name in groups.missing}
    elif seen.ratio > 1:
        values |= dict.fromkeys((*groups.missing, *dampened), 0)
    then = usage(values)
    turned = (seen.ratio < 1 < then.ratio) or (then.ratio < 1 < seen.ratio)
    replicas = math.ceil(then.ratio * len(values))
    away = (then.ratio < 1 and replicas > current) or (then.ratio > 1 and replicas < current)
    if is_near(then.ratio, settings.tolerance) or turned or away:
        return current, seen
    return replicas, seen


def by_value(current: int, target: int, value: int, pods: list[Object], settings: Settings) -> int:
    """Replicas so that one value for all of them is `target`; both in thousandths. Raises NoAnswer."""
    ratio = value / target
    if not current:
        return math.ceil(ratio)
    if is_near(ratio, settings.tolerance):
        return current
    if not pods:
        raise NoAnswer("unable to calculate ready pods: no pods returned by selector while calculating replica count")
    return math.ceil(ratio * sum(phase(pod) == "Running" and is_ready(pod) for pod in pods))


def by_value_per_pod(replicas: int, target: int, value: int, settings: Settings) -> tuple[int, int]:
    """(replicas so that each one's share of a value is `target`, the share now); all values in thousandths."""
    share = math.ceil(value / replicas) if replicas else 0
    if replicas and is_near(value / (target * replicas), settings.tolerance):
        return replicas, share
    return math.ceil(value / target), share


def is_near(ratio: float, tolerance: float) -> bool:
    """Whether the ratio is so near to 1 that nothing is done."""
    return abs(1.0 - ratio) <= tolerance
