"""Restart delays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubelet.plan.restart import Backoff, format_precise, format_seconds
from tests.unit.kubelet.plan.pods import T0


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_the_first_restart_is_immediate_then_the_delay_doubles_to_five_minutes() -> None:
    backoff, now = Backoff(), T0
    assert backoff.until("k", now, now) is None
    delays = []
    for _ in range(8):
        backoff.next("k", now, now)
        until = backoff.until("k", now, now)
        assert until is not None
        delays.append((until - now).total_seconds())
        now = until
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]


def test_a_container_that_ran_long_starts_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next("k", T0, T0)
    failed = T0 + at(601)
    assert backoff.until("k", failed, failed) is None
    backoff.next("k", failed, failed)
    assert backoff.seconds("k") == 10


def test_keys_are_apart_and_forgotten_by_prefix() -> None:
    backoff = Backoff()
    backoff.next("u1/a", T0, T0)
    assert backoff.until("u2/a", T0, T0) is None
    backoff.forget("u1")
    assert backoff.until("u1/a", T0, T0) is None


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3661, "1h1m1s")])
def test_durations_as_go_prints_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2154, "215ms"), (1.532, "1.532s"), (2.0, "2s"), (62.5, "1m2.5s"), (0, "0s")]
)
def test_precise_durations(seconds: float, text: str) -> None:
    assert format_precise(seconds) == text
