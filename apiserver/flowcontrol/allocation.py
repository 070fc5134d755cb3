"""How many seats each priority level has: its share of the server, and what levels lend each other. Pure.

Rules: KEP-1040, "Dispatching" and "Seat borrowing"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object

_SMOOTHING = 0.977  #: how much of the last period's smoothed demand stays


@dataclass(frozen=True, slots=True)
class Limits:
    """A level's seats by its configuration."""

    nominal: int
    lower: int  #: what is left where all that can be lent is
    upper: int  #: with all that can be borrowed


@dataclass(frozen=True, slots=True)
class Demand:
    """The seats a level wanted in the last period: highest, and smoothed over the periods before."""

    high: int
    smoothed: float


def shares(spec: Object) -> int:
    """The nominal concurrency shares of a PriorityLevelConfiguration."""
    part = spec.get("exempt" if spec.get("type") == "Exempt" else "limited") or {}
    return part.get("nominalConcurrencyShares") or 0


def limits(specs: Mapping[str, Object], seats: int) -> dict[str, Limits]:
    """Each level's limits on a server of that many seats."""
    total = sum(shares(spec) for spec in specs.values())
    return {name: _limits(spec, seats, total) for name, spec in specs.items()}


def _limits(spec: Object, seats: int, total: int) -> Limits:
    part = spec.get("exempt" if spec.get("type") == "Exempt" else "limited") or {}
    nominal = math.ceil(seats * shares(spec) / total) if total else 0
    lendable = _rounded(nominal * (part.get("lendablePercent") or 0) / 100)
    borrowing = part.get("borrowingLimitPercent")
    upper = seats if borrowing is None else min(seats, nominal + _rounded(nominal * borrowing / 100))
    return Limits(nominal, nominal - lendable, max(nominal, upper))


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def smoothed(former: float, average: float, deviation: float) -> float:
    """The smoothed demand after a period: it rises at once and falls slowly."""
    envelope = average + deviation
    return max(envelope, _SMOOTHING * former + (1 - _SMOOTHING) * envelope)


def current(
    limits_of: Mapping[str, Limits], demand: Mapping[str, Demand], exempt: frozenset[str]
) -> tuple[dict[str, int], float]:
    """The seats of each level for the next period, by what the levels wanted in the last; and the fair fraction.

    What exempt levels use is taken from the others, which keep their lower limits whatever happens."""
    result = {name: max(limits_of[name].lower, demand[name].high) for name in limits_of if name in exempt}
    names = [name for name in limits_of if name not in exempt]
    remaining = sum(each.nominal for each in limits_of.values()) - sum(result.values())
    lower = {name: limits_of[name].lower for name in names}
    wanted = {name: max(lower[name], min(limits_of[name].nominal, demand[name].high)) for name in names}
    least, enough = sum(lower.values()), sum(wanted.values())
    if remaining <= least:
        return result | lower, 0.0
    if remaining <= enough:
        part = (remaining - least) / (enough - least)
        return result | {name: lower[name] + _rounded((wanted[name] - lower[name]) * part) for name in names}, 0.0
    targets = [max(float(wanted[name]), demand[name].smoothed) for name in names]
    bounds = [(float(wanted[name]), float(limits_of[name].upper)) for name in names]
    fraction = fair_fraction(targets, bounds, float(remaining))
    dealt = (_clamped(target * fraction, *bound) for target, bound in zip(targets, bounds, strict=True))
    return result | {name: _rounded(seats) for name, seats in zip(names, dealt, strict=True)}, fraction


def _clamped(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def fair_fraction(targets: Sequence[float], bounds: Sequence[tuple[float, float]], total: float) -> float:
    """The factor by which all targets are multiplied (within their bounds) so that they add up to `total`.

    Where even the upper bounds add up to less, the smallest factor that reaches them all."""
    breaks = sorted(
        {bound / target for target, pair in zip(targets, bounds, strict=True) if target > 0 for bound in pair}
    )

    def dealt(fraction: float) -> float:
        return sum(_clamped(target * fraction, *pair) for target, pair in zip(targets, bounds, strict=True))

    before = 0.0
    for at in breaks:
        sum_at = dealt(at)
        if sum_at >= total:
            sum_before = dealt(before)
            # Between two breaks the sum is a straight line.
            return at if sum_at == sum_before else before + (at - before) * (total - sum_before) / (sum_at - sum_before)
        before = at
    return before
