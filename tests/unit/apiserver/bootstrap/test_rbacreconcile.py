"""What becomes of default roles and bindings that users changed."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.bootstrap import policy
from apiserver.bootstrap.rbacreconcile import reconciled_binding, reconciled_role

_DEFAULTS = {(obj["kind"], obj["metadata"]["name"]): obj for _, obj in policy.objects()}


def default(kind: str, name: str) -> Object:
    return _DEFAULTS[kind, name]


def changed(obj: Object, **fields: object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": "1"}, **fields}


def test_what_is_as_it_has_to_be_is_left_alone() -> None:
    for (kind, _), obj in _DEFAULTS.items():
        if kind.endswith("Role"):
            assert reconciled_role(changed(obj), obj) is None
        else:
            assert reconciled_binding(changed(obj), obj)[0] == "none"


def test_missing_rules_are_added_and_extra_ones_kept() -> None:
    wanted = default("ClusterRole", "system:auth-delegator")
    extra = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role = reconciled_role(changed(wanted, rules=[wanted["rules"][0], extra]), wanted)
    assert role is not None
    assert role["rules"] == [wanted["rules"][0], extra, *wanted["rules"][1:]]


def test_a_user_may_refuse_updates() -> None:
    wanted = default("ClusterRole", "system:kube-dns")
    metadata = {**wanted["metadata"], "annotations": {policy.AUTOUPDATE: "false"}}
    assert reconciled_role({**wanted, "metadata": metadata, "rules": []}, wanted) is None


def test_missing_subjects_are_added_and_another_role_replaces_the_binding() -> None:
    wanted = default("ClusterRoleBinding", "system:discovery")
    action, binding = reconciled_binding(changed(wanted, subjects=[]), wanted)
    assert (action, binding["subjects"]) == ("update", wanted["subjects"])
    other = {**wanted["roleRef"], "name": "other"}
    assert reconciled_binding(changed(wanted, roleRef=other), wanted)[0] == "replace"


def test_aggregated_roles_keep_what_was_gathered() -> None:
    wanted = default("ClusterRole", "admin")
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    assert reconciled_role(changed(wanted, rules=rules), wanted) is None
