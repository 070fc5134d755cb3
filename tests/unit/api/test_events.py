"""events.k8s.io/v1: stricter than core/v1 when Events are made and changed."""

from __future__ import annotations

from typing import Any

import pytest

from api.core.event import EVENTS_EVENT, EVENTS_SELECTABLE, SELECTABLE, to_core
from apimachinery.objects import Object

SUBJECT = {"kind": "Pod", "namespace": "ns", "name": "p"}


def event(**fields: Any) -> Object:
    """An event as events.k8s.io/v1 has it, in the form that is stored."""
    return to_core({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "ns"},
        "eventTime": "2024-05-01T00:00:00.000000Z", "reportingController": "example.com/c", "reportingInstance": "i",
        "action": "Act", "reason": "Why", "type": "Normal", "regarding": SUBJECT, **fields,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"type": "Odd"}, ['type: Invalid value: "": has invalid value: Odd']),
        ({"deprecatedCount": 2}, ['count: Invalid value: "": needs to be unset']),
        (
            {"series": {"count": 1, "lastObservedTime": None}},
            ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"],
        ),
        ({"reportingController": ""}, ["reportingController: Required value"]),
        ({"regarding": {**SUBJECT, "namespace": ""}}, ["involvedObject.namespace: Invalid value"]),
    ],
)
def test_create(fields: dict[str, Any], expected: list[str]) -> None:
    found = [str(error) for error in EVENTS_EVENT.validate(event(**fields))]
    assert len(found) >= len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=False))
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"series": {"count": 2, "lastObservedTime": "2024-05-01T00:00:01.000000Z"}}, []),
        (
            {"regarding": {**SUBJECT, "name": "q"}},
            [
                'involvedObject: Invalid value: core.ObjectReference{Kind:"Pod", Namespace:"ns", Name:"q", UID:"", '
                'APIVersion:"", ResourceVersion:"", FieldPath:""}: field is immutable'
            ],
        ),
        ({"note": "other"}, ['message: Invalid value: "other": field is immutable']),
        ({"reason": "Because"}, ['reason: Invalid value: "Because": field is immutable'] * 2),
        ({"deprecatedCount": 3}, ["count: Invalid value: 3: field is immutable"]),
        (
            {"deprecatedFirstTimestamp": "2024-05-01T00:00:01Z"},
            ["firstTimestamp: Invalid value: 2024-05-01 00:00:01 +0000 UTC: field is immutable"],
        ),
        (
            {"deprecatedSource": {"component": "c"}},
            ['source: Invalid value: core.EventSource{Component:"c", Host:""}: field is immutable'],
        ),
    ],
)
def test_update(fields: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in EVENTS_EVENT.validate_update(event(**fields), event())] == expected


@pytest.mark.parametrize(
    "stored",
    [
        {"reportingComponent": "kubelet", "involvedObject": {"kind": "Pod"}, "reason": "Started"},
        {"reportingController": "kubelet", "regarding": {"kind": "Pod"}, "reason": "Started"},
    ],
)
def test_selectors_of_both_versions_work_on_either_form(stored: Object) -> None:
    core = {name: value(stored) for name, value in SELECTABLE.items()}
    assert (core["reportingComponent"], core["involvedObject.kind"], core["source"]) == ("kubelet", "Pod", "kubelet")
    newer = {name: value(stored) for name, value in EVENTS_SELECTABLE.items()}
    assert (newer["reportingController"], newer["regarding.kind"], newer["reason"]) == ("kubelet", "Pod", "Started")
    assert SELECTABLE["source"]({**stored, "source": {"component": "other"}}) == "other"
