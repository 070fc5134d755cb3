"""RBAC: bindings to users, groups and service accounts, in namespaces and everywhere."""

from __future__ import annotations

import pytest

from api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apiserver.authz import chain, forbidden_error
from apiserver.authz.rbac import RBACAuthorizer
from apiserver.interfaces import Attributes, Decision, UserInfo
from tests.unit.apiserver.objects import MemoryLoopback, attributes, made

_READ_PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]


def binding(name: str, role: str, *subjects: Object, namespace: str = "", kind: str = "ClusterRole") -> Object:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return made("Binding", name, namespace, roleRef=reference, subjects=list(subjects))


def user(name: str) -> Object:
    return {"kind": "User", "name": name}


def loopback(*bound: tuple[Resource, Object]) -> MemoryLoopback:
    reader = made("ClusterRole", "reader", rules=_READ_PODS)
    local = made("Role", "local", "a", rules=_READ_PODS)
    return MemoryLoopback([(CLUSTER_ROLES, reader), (ROLES, local), *bound])


def allowed(api: MemoryLoopback, who: str, namespace: str = "a", groups: tuple[str, ...] = ()) -> bool:
    asked = attributes("get", "pods", namespace=namespace, name="x", user=who, groups=groups)
    return RBACAuthorizer(api).authorize(asked)[0] is Decision.ALLOW


def test_long_questions_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A review may ask any number of them."""
    decided: list[str] = []
    decide = RBACAuthorizer._decide

    def counted(self: RBACAuthorizer, asked: Attributes) -> tuple[Decision, str]:
        decided.append(asked.name)
        return decide(self, asked)

    monkeypatch.setattr(RBACAuthorizer, "_decide", counted)
    authorizer = RBACAuthorizer(loopback((CLUSTER_ROLE_BINDINGS, binding("all", "reader", user("amy")))))
    for name in ("x", "x" * 5000):
        for _ in range(2):
            asked = attributes("get", "pods", namespace="a", name=name, user="amy")
            assert authorizer.authorize(asked)[0] is Decision.ALLOW
    assert [len(name) for name in decided] == [1, 5000, 5000]


def test_bindings() -> None:
    group = {"kind": "Group", "name": "devs"}
    account = {"kind": "ServiceAccount", "name": "sa", "namespace": "b"}
    api = loopback(
        (CLUSTER_ROLE_BINDINGS, binding("all", "reader", user("amy"))),
        (ROLE_BINDINGS, binding("some", "reader", user("ben"), group, account, namespace="a")),
        (ROLE_BINDINGS, binding("local", "local", user("cid"), namespace="a", kind="Role")),
        (ROLE_BINDINGS, binding("elsewhere", "local", user("dan"), namespace="b", kind="Role")),
    )
    assert allowed(api, "amy")
    assert allowed(api, "amy", "")
    assert allowed(api, "ben")
    assert not allowed(api, "ben", "b")
    assert not allowed(api, "ben", "")
    assert allowed(api, "someone", groups=("devs",))
    assert not allowed(api, "devs")
    assert allowed(api, "system:serviceaccount:b:sa")
    assert not allowed(api, "system:serviceaccount:a:sa")
    assert allowed(api, "cid")
    assert not allowed(api, "dan", "b"), "a role of another namespace is another role"


def test_a_change_is_seen_at_once_and_reasons_are_told() -> None:
    api = loopback()
    authorizer = RBACAuthorizer(api)
    asked = attributes("get", "pods", namespace="a", name="x", user="amy")
    assert authorizer.authorize(asked) == (Decision.NO_OPINION, "")
    api.put(ROLE_BINDINGS, binding("b", "absent", user("amy"), namespace="a"))
    reason = 'RBAC: clusterrole.rbac.authorization.k8s.io "absent" not found'
    assert authorizer.authorize(asked) == (Decision.NO_OPINION, reason)
    api.put(ROLE_BINDINGS, binding("c", "reader", user("amy"), namespace="a"))
    assert authorizer.authorize(asked) == (
        Decision.ALLOW,
        'RBAC: allowed by RoleBinding "c/a" of ClusterRole "reader" to User "amy"',
    )


async def test_members_of_the_privileged_group_may_do_all_and_nothing_but_the_exact_name_counts() -> None:
    authorizer = chain(["RBAC"], loopback())
    for groups, wanted in ((("system:masters",), True), (("system:masters2",), False), (("system:master",), False)):
        asked = attributes("delete", "nodes", name="n", groups=groups)
        assert await authorizer.allows(asked) is wanted


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (
            attributes("list", "pods", namespace="a", user="bob"),
            'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "a"',
        ),
        (
            attributes("patch", "deployments", group="apps", name="x", subresource="status", user="bob"),
            'deployments.apps "x" is forbidden: User "bob" cannot patch resource "deployments/status" in API group '
            '"apps" at the cluster scope',
        ),
        (
            Attributes(user=UserInfo("bob"), verb="get", path="/metrics", is_resource=False),
            'forbidden: User "bob" cannot get path "/metrics"',
        ),
    ],
)
def test_what_the_refused_are_told(asked: Attributes, text: str) -> None:
    assert forbidden_error(asked, "").message == text
    assert forbidden_error(asked, "why").message == f"{text}: why"


def test_unknown_modes() -> None:
    with pytest.raises(ValueError, match='unknown mode "Webhook"'):
        chain(["Webhook"], loopback())
    with pytest.raises(ValueError, match="more than once"):
        chain(["RBAC", "RBAC"], loopback())
