"""Which UDP flows are cut."""

from __future__ import annotations

import pytest

from proxy.rules.stale_flows import Flow, stale_flows

TARGETS = {
    ("10.96.0.53", 53): frozenset({("10.244.0.5", 53)}),
    ("10.96.0.54", 53): frozenset[tuple[str, int]](),
    ("", 30053): frozenset({("10.244.0.5", 53)}),
}


@pytest.mark.parametrize(
    ("destination", "port", "answers", "stale"),
    [
        ("10.96.0.53", 53, ("10.244.0.5", 53), False),
        ("10.96.0.53", 53, ("10.244.0.99", 53), True),
        ("10.96.0.53", 53, ("10.96.0.53", 53), True),  # began before there were endpoints
        ("10.96.0.54", 53, ("10.244.0.5", 53), True),  # all endpoints went
        ("10.96.0.54", 53, ("10.96.0.54", 53), False),
        ("192.168.0.1", 30053, ("10.244.0.99", 53), True),
        ("192.168.0.1", 30053, ("10.244.0.5", 53), False),
        ("198.51.100.1", 30053, ("198.51.100.1", 30053), False),  # a foreign host's port
        ("8.8.8.8", 53, ("8.8.8.8", 53), False),
    ],
)
def test_flows(destination: str, port: int, answers: tuple[str, int], stale: bool) -> None:
    flow = Flow("10.244.0.9", 4000, destination, port, *answers)
    assert stale_flows([flow], TARGETS) == ([flow] if stale else [])
