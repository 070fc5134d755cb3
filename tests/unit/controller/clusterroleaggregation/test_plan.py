"""What aggregated roles gather."""

from __future__ import annotations

from apimachinery.objects import Object
from controller.clusterroleaggregation.plan import gathered

_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}


def role(name: str, *rules: Object, selects: str = "", **labels: str) -> Object:
    made: Object = {"metadata": {"name": name, "labels": labels}, "rules": list(rules)}
    if selects:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {selects: "true"}}]}
    return made


def test_rules_of_the_selected_each_once_in_order_of_names() -> None:
    view = role("view", _SECRETS, selects="to_view", to_view="true")
    parts = [
        role("b", _SECRETS, _PODS, to_view="true"),
        role("a", _PODS, to_view="true"),
        role("c", to_view="no"),
    ]
    assert gathered(view, [view, *parts]) == [_PODS, _SECRETS]


def test_a_plain_role_gathers_nothing_and_an_empty_selection_empties() -> None:
    assert gathered(role("plain", _PODS), []) is None
    assert gathered(role("view", _PODS, selects="to_view"), [role("a", _PODS)]) == []
