"""PolicyRules: what they match, and what covers what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.authz.rules import Rule, compact, path_matches, uncovered
from apiserver.interfaces import Attributes, UserInfo
from tests.unit.apiserver.objects import attributes


def rule(verbs: str, groups: str = "", resources: str = "", names: str = "") -> Rule:
    return Rule(tuple(verbs.split()), tuple(groups.split(",")), tuple(resources.split()), tuple(names.split()))


@pytest.mark.parametrize(
    ("verbs", "groups", "resources", "names", "allowed"),
    [
        ("get", "", "pods", "", True),
        ("*", "*", "*", "", True),
        ("list", "", "pods", "", False),
        ("get", "apps", "pods", "", False),
        ("get", "", "po", "", False),
        ("get", "", "pods/log", "", False),
        ("get", "", "pods", "web", True),
        ("get", "", "pods", "web2", False),
        ("get", "", "pods", "we", False),
    ],
)
def test_resources(verbs: str, groups: str, resources: str, names: str, allowed: bool) -> None:
    asked = attributes("get", "pods", namespace="default", name="web")
    assert rule(verbs, groups, resources, names).allows(asked) is allowed


@pytest.mark.parametrize(
    ("resources", "allowed"),
    [("pods", False), ("pods/log", True), ("*/log", True), ("*/status", False), ("*", True), ("pods/*", False)],
)
def test_subresources(resources: str, allowed: bool) -> None:
    asked = attributes("get", "pods", namespace="default", name="web", subresource="log")
    assert rule("get", "", resources).allows(asked) is allowed


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*", "/x", True),
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/ping", False),
        ("/healthz/*", "/healthz/ping", True),
        ("/healthz/*", "/healthzz", False),
    ],
)
def test_paths(pattern: str, path: str, matches: bool) -> None:
    assert path_matches(pattern, path) is matches


def test_a_path_rule_allows_no_resource_and_the_other_way_round() -> None:
    user = UserInfo("u")
    asked = Attributes(user=user, verb="get", path="/api/v1/pods", resource="pods")
    assert not Rule(("*",), paths=("*",)).allows(asked)
    assert not rule("*", "*", "*").allows(Attributes(user=user, verb="get", path="/x", is_resource=False))


_WORDS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=2, unique=True).map(tuple)
_RESOURCES = st.lists(st.sampled_from(["a", "b", "a/s", "*", "*/s"]), min_size=1, max_size=2, unique=True).map(tuple)
_NAMES = st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True).map(tuple)
_RULES = st.lists(st.builds(Rule, _WORDS, _WORDS, _RESOURCES, _NAMES), max_size=3)


@given(_RULES, _RULES)
def test_what_is_covered_gives_nothing_new(owned: list[Rule], wanted: list[Rule]) -> None:
    if uncovered(owned, wanted):
        return
    for verb in ("a", "b", "c"):
        for group in ("a", "b", "c"):
            for resource, subresource in (("a", ""), ("b", ""), ("c", ""), ("a", "s"), ("b", "s"), ("b", "t")):
                for name in ("x", "y", "z"):
                    asked = attributes(verb, resource, group=group, subresource=subresource, name=name)
                    if any(item.allows(asked) for item in wanted):
                        assert any(item.allows(asked) for item in owned)


def test_parts_of_one_thing_are_told_together() -> None:
    missing = uncovered([rule("get", "", "pods")], [rule("get list watch", "", "pods secrets")])
    assert sorted(map(str, compact(missing))) == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
    ]
