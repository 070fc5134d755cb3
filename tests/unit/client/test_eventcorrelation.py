"""Which events are counted up, combined or dropped."""

from __future__ import annotations

from apimachinery.objects import Object
from client.eventcorrelation import Correlator, Written


def event(message: str = "m", name: str = "web") -> Object:
    return {
        "source": {"component": "c"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": name, "uid": "1", "apiVersion": "v1"},
        "type": "Warning",
        "reason": "Failing",
        "message": message,
    }


def test_the_same_again_is_counted_on_the_first() -> None:
    correlator = Correlator()
    first = correlator.correlate(event(), 0)
    assert first is not None
    assert correlator.written(first) is None
    correlator.remember(first, Written("web.1", "default", 1))
    assert correlator.correlate(event(), 1) == first
    assert correlator.written(first) == Written("web.1", "default", 1)
    other = correlator.correlate(event("another"), 2)
    assert other is not None
    assert correlator.written(other) is None


def test_many_alike_are_combined_and_apart_again_after_ten_minutes() -> None:
    correlator = Correlator()
    messages = []
    for number in range(12):
        one = event(f"message {number}")
        assert correlator.correlate(one, number) is not None
        messages.append(one["message"])
    assert messages[8] == "message 8"
    assert messages[9] == "(combined from similar events): message 9"
    late = event("late")
    assert correlator.correlate(late, 3000) is not None
    assert late["message"] == "late"


def test_an_object_that_causes_too_many_is_cut_off_and_comes_back() -> None:
    correlator = Correlator()
    admitted = [correlator.correlate(event(), 0) is not None for _ in range(30)]
    assert admitted == [True] * 25 + [False] * 5
    assert correlator.correlate(event(name="other"), 0) is not None
    assert correlator.correlate(event(), 299) is None
    assert correlator.correlate(event(), 301) is not None
