"""Probe thresholds and gating."""

from __future__ import annotations

import pytest

from kubelet.plan.probes import ProbeKind, ProbeSpec, Verdict, http_ok, initial_good, probe_spec, resolve_port


def verdict(kind: ProbeKind, **numbers: int) -> Verdict:
    return Verdict(kind, ProbeSpec(**numbers), initial_good(kind))


def test_liveness_fails_after_its_threshold_and_then_waits_for_the_next_container() -> None:
    alive = verdict("liveness", failure_threshold=3)
    assert [alive.observe(False) for _ in range(3)] == [False, False, True]
    assert alive.good is False
    assert alive.on_hold
    assert not alive.due(100, started=True)


def test_one_success_starts_the_count_anew() -> None:
    alive = verdict("liveness", failure_threshold=2)
    assert [alive.observe(result) for result in (False, True, False, False)] == [False, False, False, True]


def test_readiness_needs_its_success_threshold_and_goes_both_ways() -> None:
    ready = verdict("readiness", success_threshold=2, failure_threshold=1)
    assert [ready.observe(result) for result in (True, True, False)] == [False, True, True]
    assert not ready.on_hold


def test_the_initial_delay_and_the_startup_probe_hold_others_back() -> None:
    ready = verdict("readiness", initial_delay_seconds=5)
    assert not ready.due(4.9, started=True)
    assert ready.due(5, started=True)
    assert not ready.due(5, started=False)
    startup = verdict("startup")
    assert startup.due(0, started=False)
    assert not startup.due(0, started=True)


def test_defaults_are_those_of_the_api() -> None:
    assert probe_spec({}) == ProbeSpec(0, 10, 1, 1, 3)


@pytest.mark.parametrize(("code", "good"), [(200, True), (302, True), (399, True), (400, False), (199, False)])
def test_http(code: int, good: bool) -> None:
    assert http_ok(code) is good


def test_ports_by_name() -> None:
    container = {"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}
    assert resolve_port(container, "http") == 8080
    assert resolve_port(container, "81") == 81
    with pytest.raises(ValueError, match="couldn't find port: other"):
        resolve_port(container, "other")
