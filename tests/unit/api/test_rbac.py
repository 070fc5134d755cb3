"""Roles and bindings: what is said of them more than once."""

from __future__ import annotations

from api.rbac.roles import CLUSTER_ROLE, ROLE, ROLE_BINDING
from tests.unit.api.samples import complaints, replaced


def test_a_selector_of_roles_that_is_none() -> None:
    obj = {
        "metadata": {"name": "x"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b c"}}, {}]},
    }
    value, selector = complaints(CLUSTER_ROLE, obj)
    assert value.startswith('aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "b c"')
    assert selector == 'aggregationRule.clusterRoleSelectors[0]: Invalid value: "null": invalid label selector.'


URLS = {"nonResourceURLs": ["/a"], "verbs": ["get"]}


def test_updates_tell_of_every_cause_twice() -> None:
    good = {"metadata": {"name": "x"}, "rules": []}
    _, errors = replaced(ROLE, {"metadata": {"name": "x"}, "rules": [URLS]}, good)
    assert len(errors) == 2
    assert set(errors) == {
        'rules[0].nonResourceURLs: Invalid value: []string{"/a"}: namespaced rules cannot apply to non-resource URLs'
    }


def test_the_role_of_a_binding_is_told_of_once() -> None:
    def binding(**reference: str) -> dict[str, object]:
        return {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r", **reference}}

    _, errors = replaced(ROLE_BINDING, binding(kind="Odd"), binding())
    group = "rbac.authorization.k8s.io"
    assert errors == [
        *['roleRef.kind: Unsupported value: "Odd": supported values: "Role", "ClusterRole"'] * 2,
        f'roleRef: Invalid value: rbac.RoleRef{{APIGroup:"{group}", Kind:"Odd", Name:"r"}}: cannot change roleRef',
    ]
