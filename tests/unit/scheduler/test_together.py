"""Rules about pods beside pods: inter-pod affinity, topology spread."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from tests.unit.scheduler.cluster import FakeLookups, chosen, cluster, node, pod, possible, reasons

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
NODES = [node("a1", zone="a"), node("a2", zone="a"), node("b1", zone="b")]


def term(app: str, key: str = HOST, **more: Any) -> Object:
    """A PodAffinityTerm for pods labelled app=..."""
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}


def near(*terms: Object) -> Object:
    """Required affinity."""
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def apart(*terms: Object) -> Object:
    """Required anti-affinity."""
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


@pytest.mark.parametrize(
    ("affinity", "where"),
    [
        (near(term("db")), {"a1"}),
        (near(term("db", ZONE)), {"a1", "a2"}),
        (near(term("db"), term("cache")), set()),
        (near(term("self")), {"a1", "a2", "b1"}),
        (near(term("other")), set()),
        (near(term("db", namespaces=["elsewhere"])), set()),
        (near(term("db", namespaceSelector={})), {"a1"}),
        (near(term("db", namespaceSelector={"matchLabels": {"team": "x"}})), {"a1"}),
        (apart(term("db")), {"a2", "b1"}),
        (apart(term("db", ZONE)), {"b1"}),
        (apart(term("self")), {"a1", "a2", "b1"}),
    ],
)
def test_required_terms(affinity: Object, where: set[str]) -> None:
    snapshot = cluster(
        *NODES, pods=[pod("db", on="a1", labels={"app": "db"}), pod("c", on="b1", labels={"app": "cache"})]
    )
    snapshot.set_namespace("default", {"team": "x"})
    assert possible(pod("p", labels={"app": "self"}, affinity=affinity), snapshot) == where


def test_pods_that_are_there_keep_others_away() -> None:
    lonely = pod("lonely", on="a1", labels={"app": "db"}, affinity=apart(term("web", ZONE)))
    snapshot = cluster(*NODES, pods=[lonely])
    assert possible(pod("p", labels={"app": "web"}), snapshot) == {"b1"}
    assert possible(pod("p", labels={"app": "other"}), snapshot) == {"a1", "a2", "b1"}
    snapshot.remove_pod(lonely)
    assert possible(pod("p", labels={"app": "web"}), snapshot) == {"a1", "a2", "b1"}


def test_the_words() -> None:
    snapshot = cluster(node("n"), pods=[pod("x", on="n", labels={"app": "x"}, affinity=apart(term("web")))])
    assert reasons(pod("p", affinity=near(term("db"))), snapshot) == {"node(s) didn't match pod affinity rules"}
    assert reasons(pod("p", affinity=apart(term("x"))), snapshot) == {"node(s) didn't match pod anti-affinity rules"}
    web = pod("p", labels={"app": "web"})
    assert reasons(web, snapshot) == {"node(s) didn't satisfy existing pods anti-affinity rules"}


def test_preferred_terms_weigh() -> None:
    wish = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term("db", ZONE)}]}
    snapshot = cluster(*NODES, pods=[pod("db", on="b1", cpu="2", labels={"app": "db"})])
    assert chosen(pod("p", affinity={"podAffinity": wish}), snapshot) == "b1"
    assert chosen(pod("p", affinity={"podAntiAffinity": wish}), snapshot) in {"a1", "a2"}


def spread(key: str, *, skew: int = 1, action: str = "DoNotSchedule", **more: Any) -> Object:
    """A constraint over pods labelled app=web."""
    selector = {"matchLabels": {"app": "web"}}
    return {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": action, "labelSelector": selector, **more}


def web(name: str, *, on: str = "", **spec: Any) -> Any:
    """A pod labelled app=web."""
    return pod(name, on=on, labels={"app": "web"}, **spec)


@pytest.mark.parametrize(
    ("there", "constraint", "where"),
    [
        ([], spread(ZONE), {"a1", "a2", "b1"}),
        (["a1"], spread(ZONE), {"b1"}),
        (["a1"], spread(ZONE, skew=2), {"a1", "a2", "b1"}),
        (["a1", "b1"], spread(HOST), {"a2"}),
        (["a1", "b1"], spread(ZONE, minDomains=3), set()),
        (["a1"], spread("rack"), set()),
    ],
)
def test_required_spread(there: list[str], constraint: Object, where: set[str]) -> None:
    snapshot = cluster(*NODES, pods=[web(f"w{index}", on=name) for index, name in enumerate(there)])
    assert possible(web("p", topologySpreadConstraints=[constraint]), snapshot) == where


def test_spread_words() -> None:
    snapshot = cluster(NODES[0], pods=[web("w", on="a1")])
    constraints = [spread(ZONE, minDomains=2)]
    assert reasons(web("p", topologySpreadConstraints=constraints), snapshot) == {
        "node(s) didn't match pod topology spread constraints"
    }
    assert reasons(web("p", topologySpreadConstraints=[spread("rack")]), snapshot) == {
        "node(s) didn't match pod topology spread constraints (missing required label)"
    }


def test_pods_being_deleted_do_not_count() -> None:
    going = web("w", on="a1")
    going.pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    snapshot = cluster(*NODES, pods=[going])
    assert "a1" in possible(web("p", topologySpreadConstraints=[spread(ZONE)]), snapshot)


def test_preferred_and_default_spread_choose_the_emptier_domain() -> None:
    there = [web("w1", on="a1"), web("w2", on="a2")]
    constraint = spread(ZONE, action="ScheduleAnyway")
    assert chosen(web("p", topologySpreadConstraints=[constraint]), cluster(*NODES, pods=there)) == "b1"
    by_service = FakeLookups(spread_by={"app": "web"})
    assert chosen(web("p"), cluster(*NODES, pods=there, lookups=by_service)) == "b1"


def test_counters_follow_pods_that_come_and_go() -> None:
    snapshot = cluster(*NODES)
    constraints = [spread(ZONE)]
    assert possible(web("p", topologySpreadConstraints=constraints), snapshot) == {"a1", "a2", "b1"}
    there = web("w", on="a1")
    snapshot.add_pod(there)
    assert possible(web("p", topologySpreadConstraints=constraints), snapshot) == {"b1"}
    snapshot.remove_pod(there)
    assert possible(web("p", topologySpreadConstraints=constraints), snapshot) == {"a1", "a2", "b1"}
