"""Syncs may come in a small burst, then once per period."""

from __future__ import annotations

from proxy.pacing import Pacer


def test_a_burst_then_one_per_period() -> None:
    now = [100.0]
    pacer = Pacer(1.0, burst=2, clock=lambda: now[0])
    assert [pacer.take() for _ in range(4)] == [0.0, 0.0, 1.0, 2.0]
    now[0] += 10
    assert [pacer.take() for _ in range(3)] == [0.0, 0.0, 1.0]


def test_no_period_no_limit() -> None:
    pacer = Pacer(0, burst=1)
    assert [pacer.take() for _ in range(3)] == [0.0, 0.0, 0.0]
