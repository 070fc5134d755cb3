"""Policies and match conditions whose expressions cost more than they may."""

from __future__ import annotations

import pytest

from apiserver.admission.policies.evaluation import evaluate
from apiserver.admission.webhooks.conditions import ConditionFailed, hold

_SPENT = "validation failed due to running out of cost budget, no further validation rules will be run"
#: 900,000 units.
_COSTLY = f"!'{'a' * 10_000}'.contains('{'b' * 9_000}')"


def _policy(count: int, policy: str = "Fail") -> dict[str, object]:
    return {"failurePolicy": policy, "validations": [{"expression": _COSTLY}] * count}


def test_validations_share_a_budget() -> None:
    assert evaluate(_policy(11), {"object": {}}).denials == []
    found = evaluate({**_policy(12), "auditAnnotations": []}, {"object": {}})
    assert [(denial.message, denial.failed) for denial in found.denials] == [(_SPENT, True)]
    assert evaluate(_policy(12, "Ignore"), {"object": {}}).denials == []


def test_variables_cost_too() -> None:
    variables = [{"name": f"v{index}", "expression": _COSTLY} for index in range(11)]
    assert evaluate({**_policy(0), "variables": variables}, {"object": {}}).denials == []
    found = evaluate({**_policy(1), "variables": variables}, {"object": {}})
    assert [denial.message for denial in found.denials] == [_SPENT]


def test_one_expression_may_not_cost_too_much() -> None:
    text = f"{_COSTLY} && {_COSTLY}"
    found = evaluate({"validations": [{"expression": text}]}, {"object": {}})
    told = f"expression '{text}' resulted in error: operation cancelled: actual cost limit exceeded"
    assert [denial.message for denial in found.denials] == [told]


def test_match_conditions_have_less() -> None:
    conditions = [{"name": "c", "expression": _COSTLY}]
    assert hold(conditions * 2, {"object": {}})
    with pytest.raises(ConditionFailed, match=_SPENT):
        hold(conditions * 3, {"object": {}})
