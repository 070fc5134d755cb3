"""How soon a renewal is seen, and after how many looks."""

from __future__ import annotations

from random import Random

import pytest

from client.leaselooks import Sight, next_look, sighted

RETRY = 2.0
LEASE = 15.0
STEADY_LOOKS = 4  #: in each RETRY: what a steady pace took


def follow(renewals: list[float], until: float) -> tuple[list[float], int]:
    """Look at a lease that is renewed at these times: how late each renewal in `until` was seen, and the looks made."""
    sight, now, looks, late = None, 0.3, 0, []
    missed, seen = float("-inf"), 0
    while now < until:
        looks += 1
        shown = sum(renewal <= now for renewal in renewals)
        if sight is None or shown != seen:
            late.append(now - renewals[shown - 1])
            sight = sighted(sight, now, missed, RETRY)
        missed, seen = now, shown
        now = next_look(sight, now, lease_seconds=LEASE, retry_seconds=RETRY)
    return late, looks


def regular(period: float, jitter: float = 0.0) -> list[float]:
    """A minute of renewals."""
    random, at, renewals = Random(1), 0.0, []
    while at < 60:
        renewals.append(at)
        at += period + random.uniform(0, jitter)
    return renewals


@pytest.mark.parametrize(
    ("renewals", "latest"), [(regular(2.005), 0.065), (regular(2.03), 0.065), (regular(2.01, 0.05), 0.1)]
)
def test_renewals_are_seen_soon_and_with_no_more_looks_than_a_steady_pace_takes(
    renewals: list[float], latest: float
) -> None:
    late, looks = follow(renewals, 60)
    assert len(late) >= len(renewals) - 1
    assert max(late[5:]) <= latest
    assert looks <= 60 / RETRY * STEADY_LOOKS


@pytest.mark.parametrize("period", [1.0, 3.0, 5.0])
def test_a_holder_of_another_pace_is_seen_within_its_own_period(period: float) -> None:
    late, looks = follow(regular(period), 60)
    assert max(late) < min(period, RETRY)
    assert looks <= 60 / RETRY * (STEADY_LOOKS + 2)


def test_a_lease_that_is_given_back_is_seen_between_two_renewals() -> None:
    sight, now = Sight(10.0, 12.0), 10.0
    pauses = []
    while now < sight.due:
        look = next_look(sight, now, lease_seconds=LEASE, retry_seconds=RETRY)
        pauses.append(look - now)
        now = look
    assert max(pauses) <= RETRY / 3


def test_one_looks_just_when_the_lease_ends() -> None:
    sight = Sight(10.0, 12.0)
    assert next_look(sight, 24.9, lease_seconds=LEASE, retry_seconds=RETRY) == 25.0
    assert next_look(sight, 10.1, lease_seconds=0.5, retry_seconds=RETRY) == 10.5


def test_a_holder_that_no_longer_renews_is_looked_at_at_the_steady_pace() -> None:
    _, looks = follow([0.0], LEASE)
    assert looks <= LEASE / RETRY * STEADY_LOOKS + 4
