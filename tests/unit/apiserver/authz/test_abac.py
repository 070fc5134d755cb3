"""ABAC policies."""

from __future__ import annotations

import orjson
import pytest

from apiserver.authz import abac
from apiserver.authz.abac import Policies
from apiserver.interfaces import Attributes, Decision, UserInfo

_EVERYONE = ("system:authenticated",)


def policies(*specs: dict[str, object], versioned: bool = True) -> Policies:
    head = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy"}
    lines = [orjson.dumps({**head, "spec": spec} if versioned else spec).decode() for spec in specs]
    return Policies(abac.parse("\n".join(["# a comment", "", *lines]), "policies"))


def asked(user: str, verb: str = "get", *, group: str = "", resource: str = "pods", namespace: str = "a",
          path: str = "", groups: tuple[str, ...] = _EVERYONE) -> Attributes:  # fmt: skip
    return Attributes(user=UserInfo(user, groups=groups), verb=verb, path=path, is_resource=not path, group=group,
                      resource=resource, namespace=namespace)  # fmt: skip


def allowed(found: Policies, attributes: Attributes) -> bool:
    return found.authorize(attributes)[0] is Decision.ALLOW


def test_all_of_a_policy_must_match() -> None:
    found = policies({"user": "amy", "namespace": "a", "resource": "pods", "apiGroup": ""})
    assert allowed(found, asked("amy", "delete"))
    for other in (
        asked("ben"),
        asked("amy", namespace="b"),
        asked("amy", resource="secrets"),
        asked("amy", group="apps"),
        asked("amy", path="/healthz"),
    ):
        assert found.authorize(other) == (Decision.NO_OPINION, "No policy matched.")


def test_readonly_policies_of_groups() -> None:
    found = policies({"group": "devs", "readonly": True, "namespace": "*", "resource": "*", "apiGroup": "*"})
    devs = ("devs",)
    assert [allowed(found, asked("x", verb, groups=devs)) for verb in ("list", "update")] == [True, False]
    assert not allowed(found, asked("x", "list"))


def test_a_star_means_everybody_who_is_known() -> None:
    found = policies({"user": "*", "nonResourcePath": "/api*"})
    assert allowed(found, asked("x", path="/apis/apps"))
    assert not allowed(found, asked("x", path="/healthz"))
    assert not allowed(found, asked("system:anonymous", path="/api", groups=("system:unauthenticated",)))


def test_the_first_form_means_everything_by_what_it_leaves_out() -> None:
    found = policies({"user": "amy"}, {"resource": "events", "readonly": True}, versioned=False)
    assert allowed(found, asked("amy", "delete", group="apps", resource="deployments"))
    assert allowed(found, asked("amy", path="/metrics"))
    assert [allowed(found, asked("ben", verb, resource="events")) for verb in ("get", "create")] == [True, False]
    assert not allowed(found, asked("ben", path="/metrics"))


@pytest.mark.parametrize("line", ["{", '{"apiVersion": "v2", "kind": "Policy"}', "[]", '{"user": 1}'])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="error reading policy file somewhere, line 2: "):
        abac.parse(f"# first\n{line}", "somewhere")
