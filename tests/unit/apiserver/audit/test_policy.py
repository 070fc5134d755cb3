from __future__ import annotations

from typing import Any

import pytest
import yaml

from apiserver.audit.policy import Level, PolicyError, parse
from apiserver.interfaces import Attributes, UserInfo


def policy(*rules: dict[str, Any], **more: Any) -> str:
    return yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more})


def request(resource: str = "pods", *, verb: str = "get", **changes: Any) -> Attributes:
    plural, _, subresource = resource.partition("/")
    fields: dict[str, Any] = {"namespace": "default", "name": "a", "version": "v1", **changes}
    user = UserInfo("eve", groups=("devs", "system:authenticated"))
    return Attributes(user=user, verb=verb, path="/x", resource=plural, subresource=subresource, **fields)


def path(text: str) -> Attributes:
    return Attributes(user=UserInfo("eve"), verb="get", path=text, is_resource=False)


def of(*resources: str, group: str = "", names: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"resources": [{"group": group, "resources": list(resources), "resourceNames": list(names)}]}


@pytest.mark.parametrize(
    ("rule", "attributes", "matches"),
    [
        ({}, request(), True),
        ({}, path("/healthz"), True),
        ({"users": ["eve"]}, request(), True),
        ({"users": ["adam"]}, request(), False),
        ({"userGroups": ["ops", "devs"]}, request(), True),
        ({"userGroups": ["ops"]}, request(), False),
        ({"users": ["eve"], "userGroups": ["ops"]}, request(), False),
        ({"verbs": ["get", "list"]}, request(), True),
        ({"verbs": ["delete"]}, request(), False),
        ({"namespaces": ["default"]}, request(), True),
        ({"namespaces": ["other"]}, request(), False),
        ({"namespaces": [""]}, request("nodes", namespace=""), True),
        ({"namespaces": [""]}, path("/healthz"), False),
        (of("pods"), request(), True),
        (of("pods"), request("pods/log"), False),
        (of("pods/log"), request("pods/log"), True),
        (of("pods/log"), request(), False),
        (of("pods/*"), request("pods/log"), True),
        (of("pods/*"), request(), True),
        (of("*/scale"), request("deployments/scale"), True),
        (of("*/scale"), request("deployments/status"), False),
        (of("*"), request("pods/log"), True),
        (of(), request(), True),
        (of(group="apps"), request(), False),
        (of("deployments", group="apps"), request("deployments", group="apps"), True),
        (of("pods", names=("a",)), request(), True),
        (of("pods", names=("b",)), request(), False),
        (of("pods"), path("/api/v1/pods"), False),
        ({"nonResourceURLs": ["/healthz*"]}, path("/healthz/etcd"), True),
        ({"nonResourceURLs": ["/healthz"]}, path("/healthz/etcd"), False),
        ({"nonResourceURLs": ["*"]}, path("/metrics"), True),
        ({"nonResourceURLs": ["*"]}, request(), False),
    ],
)
def test_what_a_rule_is_for(rule: dict[str, Any], attributes: Attributes, matches: bool) -> None:
    decided = parse(policy({"level": "Request", **rule})).decide(attributes)
    assert (decided.level is Level.REQUEST) is matches


def test_the_first_matching_rule_decides_and_none_means_nothing() -> None:
    rules = parse(policy({"level": "None", **of("pods")}, {"level": "RequestResponse", "users": ["eve"]}))
    assert rules.decide(request()).level is Level.NONE
    assert rules.decide(request("secrets")).level is Level.REQUEST_RESPONSE
    other = Attributes(user=UserInfo("adam"), verb="get", path="/", is_resource=False)
    assert rules.decide(other).level is Level.NONE


def test_stages_add_up_and_managed_fields_follow_the_nearest() -> None:
    first = {"level": "Metadata", "omitStages": ["ResponseStarted"], "omitManagedFields": False, "verbs": ["get"]}
    rules = parse(policy(first, {"level": "Metadata"}, omitStages=["RequestReceived"], omitManagedFields=True))
    decided = rules.decide(request())
    assert decided.omit_stages == {"RequestReceived", "ResponseStarted"}
    assert not decided.omit_managed_fields
    assert rules.decide(request(verb="list")).omit_managed_fields


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must be an object"),
        ("a: [", "not valid YAML"),
        (policy(), "0 rules"),
        (policy({"level": "None"}, kind="Rule"), "kind Policy"),
        (policy({"level": "None"}, extra=1), 'unknown field "extra"'),
        (policy({}), r"rules\[0\].level: must be one of"),
        (policy({"level": "metadata"}), r"rules\[0\].level: must be one of"),
        (policy({"level": "None", "user": ["x"]}), 'unknown field "user"'),
        (policy({"level": "None", "users": "x"}), "users: must be a list"),
        (policy({"level": "None", "users": [1]}), "users: must be a list of texts"),
        (policy({"level": "None", "omitStages": ["Later"]}), "'Later' is none of"),
        (policy({"level": "None", "omitManagedFields": "no"}), "must be true or false"),
        (policy({"level": "None", "nonResourceURLs": ["/x"], **of("pods")}), "cannot apply to both"),
        (policy({"level": "None", "nonResourceURLs": ["x"]}), "must be \\* or begin with /"),
        (policy({"level": "None", "nonResourceURLs": ["/a*/b"]}), "have \\* only at its end"),
        (policy({"level": "None", **of(group="apps/v1")}), "without a version"),
        (policy({"level": "None", **of(names=("a",))}), "requires at least one resource"),
    ],
)
def test_bad_policies_are_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
