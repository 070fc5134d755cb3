"""From what the metrics ask for to what is done: stabilization, how fast, how few and how many. Pure.

`History` is what one autoscaler remembers between two looks; the functions return it changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

#: Without spec.behavior: not more than doubled at once, though four are always allowed.
_UP_FACTOR, _UP_MINIMUM = 2, 4


@dataclass(frozen=True, slots=True)
class Change:
    """A recommendation (a number of replicas), or a change that was made (a difference, never negative)."""

    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True)
class History:
    """Nothing of it outlives the process: the first look of the next one starts from the replicas it finds."""

    recommendations: tuple[Change, ...] = ()
    ups: tuple[Change, ...] = ()
    downs: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A number of replicas, and why it is another than was asked for (or that it is not)."""

    replicas: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Limited:
    """What is to be done, with what goes into the conditions AbleToScale and ScalingLimited."""

    replicas: int
    stabilized: Verdict
    limited: Verdict
    history: History

    @property
    def is_limited(self) -> bool:
        """Whether another number is done than the stabilized one."""
        return self.limited.replicas != self.stabilized.replicas


_MATCHES = ("ReadyForNewScale", "recommended size matches current size")
_DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_TOO_FAST_UP = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_TOO_FAST_DOWN = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")


def limit(
    spec: dict[str, Any], current: int, desired: int, history: History, *, now: datetime, downscale_window: timedelta
) -> Limited:
    """What to do where `current` replicas are there and `desired` are asked for. `downscale_window` is
    --horizontal-pod-autoscaler-downscale-stabilization."""
    least, most = minimum_of(spec), spec["maxReplicas"]
    behavior = spec.get("behavior")
    if behavior is None:
        stabilized = _stabilize_downscale(desired, history, now - downscale_window)
        limited = _bounded(current, stabilized.replicas, least, most)
        kept = downscale_window
    else:
        up, down = behavior["scaleUp"], behavior["scaleDown"]
        windows = _window(up, timedelta(0)), _window(down, downscale_window)
        stabilized = _stabilize(current, desired, history, now, *windows)
        limited = _paced(current, stabilized.replicas, least, most, up, down, history, now)
        kept = max(windows)
    recent = tuple(item for item in history.recommendations if item.at >= now - kept)
    history = replace(history, recommendations=(*recent, Change(now, desired)))
    return Limited(limited.replicas, stabilized, limited, history)


def minimum_of(spec: dict[str, Any]) -> int:
    """spec.minReplicas or its default."""
    least = spec.get("minReplicas")
    return 1 if least is None else least


def remember_scaling(spec: dict[str, Any], before: int, after: int, history: History, now: datetime) -> History:
    """The history after a change of replicas; only spec.behavior asks for it."""
    behavior = spec.get("behavior")
    if behavior is None:
        return history
    if after > before:
        kept = _recent(history.ups, behavior["scaleUp"], now)
        return replace(history, ups=(*kept, Change(now, after - before)))
    kept = _recent(history.downs, behavior["scaleDown"], now)
    return replace(history, downs=(*kept, Change(now, before - after)))


def _recent(changes: Sequence[Change], rules: dict[str, Any], now: datetime) -> tuple[Change, ...]:
    longest = max((policy["periodSeconds"] for policy in rules.get("policies") or ()), default=0)
    return tuple(change for change in changes if change.at >= now - timedelta(seconds=longest))


def _window(rules: dict[str, Any], default: timedelta) -> timedelta:
    seconds = rules.get("stabilizationWindowSeconds")
    return default if seconds is None else timedelta(seconds=seconds)


def _stabilize_downscale(desired: int, history: History, since: datetime) -> Verdict:
    highest = max([desired, *(item.replicas for item in history.recommendations if item.at >= since)])
    return Verdict(highest, *(_MATCHES if highest == desired else _DOWN_STABILIZED))


def _stabilize(current: int, desired: int, history: History, now: datetime, up: timedelta, down: timedelta) -> Verdict:
    """Up only to the lowest, down only to the highest of what was recommended in the window of that direction."""
    lowest = min([desired, *(item.replicas for item in history.recommendations if item.at > now - up)])
    highest = max([desired, *(item.replicas for item in history.recommendations if item.at > now - down)])
    chosen = min(max(current, lowest), highest)
    if chosen == desired:
        return Verdict(chosen, *_MATCHES)
    return Verdict(chosen, *(_UP_STABILIZED if desired >= current else _DOWN_STABILIZED))


def _bounded(current: int, desired: int, least: int, most: int) -> Verdict:
    fastest = max(_UP_FACTOR * current, _UP_MINIMUM)
    if desired < least:
        return Verdict(least, *_TOO_FEW)
    if desired > min(most, fastest):
        return Verdict(fastest, *_TOO_FAST_UP) if most > fastest else Verdict(most, *_TOO_MANY)
    return Verdict(desired, *_WITHIN)


def _paced(
    current: int, desired: int, least: int, most: int, up: dict[str, Any], down: dict[str, Any], history: History,
    now: datetime,
) -> Verdict:  # fmt: skip
    """Within the policies of the direction."""
    if desired > current:
        fastest = max(_upper(current, up, history, now), current)
        if desired > min(most, fastest):
            return Verdict(fastest, *_TOO_FAST_UP) if most > fastest else Verdict(most, *_TOO_MANY)
    elif desired < current:
        fastest = min(_lower(current, down, history, now), current)
        if desired < max(least, fastest):
            return Verdict(fastest, *_TOO_FAST_DOWN) if least < fastest else Verdict(least, *_TOO_FEW)
    return Verdict(desired, *_WITHIN)


def _upper(current: int, rules: dict[str, Any], history: History, now: datetime) -> int:
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled":
        return current
    proposed: list[int] = []
    for policy in rules.get("policies") or ():
        start = _at_start(current, policy, history, now)
        if policy["type"] == "Pods":
            proposed.append(start + policy["value"])
        else:  # rounded up: a small set grows, too
            proposed.append(math.ceil(start * (100 + policy["value"]) / 100))
    return min(proposed) if select == "Min" else max(proposed)


def _lower(current: int, rules: dict[str, Any], history: History, now: datetime) -> int:
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled":
        return current
    proposed: list[int] = []
    for policy in rules.get("policies") or ():
        start = _at_start(current, policy, history, now)
        if policy["type"] == "Pods":
            proposed.append(start - policy["value"])
        else:
            proposed.append(start * (100 - policy["value"]) // 100)
    return max(proposed) if select == "Min" else min(proposed)


def _at_start(current: int, policy: dict[str, Any], history: History, now: datetime) -> int:
    """The replicas at the beginning of the policy's period."""
    since = now - timedelta(seconds=policy["periodSeconds"])
    added = sum(change.replicas for change in history.ups if change.at > since)
    removed = sum(change.replicas for change in history.downs if change.at > since)
    return current - added + removed
