"""Requests find their FlowSchema as the default ones of a cluster say."""

from __future__ import annotations

import pytest

from api.resources import FLOW_SCHEMAS
from apiserver.bootstrap import flow
from apiserver.flowcontrol.matching import Schema, classify, compile_schema, in_order
from apiserver.interfaces import Attributes, UserInfo

_SCHEMAS = in_order(compile_schema(obj) for resource, obj in flow.objects() if resource is FLOW_SCHEMAS)
_AUTHENTICATED = ("system:authenticated",)


def schema_of(user: str, verb: str, *groups: str, path: str = "", namespace: str = "", resource: str = "pods",
              group: str = "", subresource: str = "") -> Schema:  # fmt: skip
    attributes = Attributes(
        user=UserInfo(user, groups=(*groups, *_AUTHENTICATED)), verb=verb, path=path or "/api/v1/pods",
        is_resource=not path, group=group, resource=resource, subresource=subresource, namespace=namespace,
    )  # fmt: skip
    return classify(_SCHEMAS, attributes, _SCHEMAS[-1])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (schema_of("admin", "delete", "system:masters"), "exempt"),
        (schema_of("eve", "get", path="/readyz"), "probes"),
        (schema_of("eve", "get", path="/readyz/etcd"), "global-default"),
        (
            schema_of("system:kube-scheduler", "update", resource="leases", group="coordination.k8s.io", namespace="a"),
            "system-leader-election",
        ),
        (schema_of("system:kube-scheduler", "list"), "kube-scheduler"),
        (
            schema_of("system:node:n", "patch", "system:nodes", resource="nodes", subresource="status"),
            "system-node-high",
        ),
        (schema_of("system:node:n", "list", "system:nodes"), "system-nodes"),
        (
            schema_of("system:serviceaccount:kube-system:dns", "list", "system:serviceaccounts"),
            "kube-system-service-accounts",
        ),
        (schema_of("system:serviceaccount:shop:web", "list", "system:serviceaccounts"), "service-accounts"),
        (schema_of("eve", "list"), "global-default"),
    ],
)
def test_default_schemas(schema: Schema, expected: str) -> None:
    assert schema.name == expected


def test_flows_are_told_apart_as_the_schema_says() -> None:
    attributes = Attributes(user=UserInfo("eve"), verb="get", path="/", namespace="shop")
    by_name = {schema.name: schema for schema in _SCHEMAS}
    assert by_name["global-default"].flow(attributes) == "eve"
    assert by_name["kube-scheduler"].flow(attributes) == "shop"
    assert by_name["exempt"].flow(attributes) == ""


def test_lower_precedence_first_then_names() -> None:
    def made(name: str, precedence: int) -> Schema:
        spec = {"matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": "x"}}
        return compile_schema({"metadata": {"name": name}, "spec": spec})

    ordered = in_order([made("c", 5), made("b", 100), made("a", 100)])
    assert [schema.name for schema in ordered] == ["c", "a", "b"]


def test_a_rule_without_cluster_scope_matches_in_namespaces_only() -> None:
    rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}
    subjects = [{"kind": "User", "user": {"name": "*"}}]
    spec = {"rules": [{"subjects": subjects, "resourceRules": [rule]}]}
    schema = compile_schema({"metadata": {"name": "x"}, "spec": spec})
    everywhere = Attributes(user=UserInfo("eve"), verb="list", path="/", resource="pods")
    here = Attributes(user=UserInfo("eve"), verb="list", path="/", resource="pods", namespace="a")
    logs = Attributes(user=UserInfo("eve"), verb="list", path="/", resource="pods", subresource="log", namespace="a")
    assert [schema.matches(each) for each in (everywhere, here, logs)] == [False, True, False]
