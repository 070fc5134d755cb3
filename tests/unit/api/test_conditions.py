"""The rules of metav1.Condition, as a PodDisruptionBudget's status keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from api.policy.poddisruptionbudget import BUDGET_STATUS

GOOD = {"type": "A", "status": "True", "reason": "R", "lastTransitionTime": "2024-01-01T00:00:00Z", "message": "m"}


def told(*conditions: dict[str, Any]) -> list[str]:
    new = {"status": {"conditions": list(conditions), "expectedPods": -1}}
    *errors, last = [str(error) for error in BUDGET_STATUS.validate_update(new, {})]
    assert last == "status.expectedPods: Invalid value: -1: must be greater than or equal to 0"
    return errors


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"type": "a b"}, ['type: Invalid value: "a b": name part must consist of']),
        ({"status": "Yes"}, ['status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"']),
        ({"observedGeneration": -1}, ["observedGeneration: Invalid value: -1: must be greater than or equal to zero"]),
        ({"lastTransitionTime": None}, ["lastTransitionTime: Required value: must be set"]),
        ({"reason": ""}, ["reason: Required value: must be set"]),
        (
            {"reason": "no-dash"},
            [
                'reason: Invalid value: "no-dash": a condition reason must start with alphabetic character, optionally '
                "followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character "
                "or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', "
                "regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
            ],
        ),
        ({"reason": "R" * 1025}, ["reason: Too long: must have at most 1024 bytes"]),
        ({"message": "m" * 32769}, ["message: Too long: must have at most 32768 bytes"]),
    ],
)
def test_one_condition(fields: dict[str, Any], expected: list[str]) -> None:
    errors = told({**GOOD, **fields})
    assert len(errors) == len(expected), errors
    for error, start in zip(errors, expected, strict=True):
        assert error.startswith(f"status.conditions[0].{start}")


def test_types_are_different() -> None:
    assert told(GOOD, GOOD) == ['status.conditions[1].type: Duplicate value: "A"']
