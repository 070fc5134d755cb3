"""For which zone endpoints are hinted, and when for none."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from controller.endpointslice.hints import NoHints, give_hints, wants_hints, zone_shares


def node(zone: str, cpu: str = "4", *, ready: bool = True, control_plane: bool = False) -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    if control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": {"labels": labels}, "status": {"allocatable": {"cpu": cpu}, "conditions": conditions}}


def endpoints(*zones: str) -> dict[str, dict[str, Any]]:
    return {
        f"u{number:02}": {"conditions": {"ready": True}, **({"zone": zone} if zone else {})}
        for number, zone in enumerate(zones)
    }


def hinted(made: dict[str, dict[str, Any]]) -> str:
    return "".join(endpoint["hints"]["forZones"][0]["name"] for _, endpoint in sorted(made.items()))


def test_zones_share_by_the_cpus_of_ready_workers() -> None:
    nodes = [node("a"), node("a", "2"), node("b", "2000m"), node("c", ready=False), node("", control_plane=True)]
    assert zone_shares(nodes) == {"a": 0.75, "b": 0.25}


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([node("a"), node("a")], "Nodes only ready in one zone"),
        ([node("a"), node("")], "Insufficient Node information"),
        ([node("a"), node("b", "0")], "Insufficient Node information"),
        ([], "Nodes only ready in one zone"),
    ],
)
def test_nodes_that_allow_no_hints(nodes: list[Object], why: str) -> None:
    with pytest.raises(NoHints, match=why):
        zone_shares(nodes)


EVEN = {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    ("zones", "shares", "wanted"),
    [
        ("aabb", EVEN, "aabb"),
        ("aaaaaaabbbbb", EVEN, "aaaaaaabbbbb"),  # b has less than half, but no sixth less
        ("aaaabb", EVEN, "baaabb"),
        ("aaaaab", EVEN, "bbaaab"),
        ("aaaaaa", EVEN, "bbbaaa"),
        ("aaabbb", {"a": 0.25, "b": 0.75}, "baabbb"),
        ("aaaccc", EVEN, "aaabbb"),  # no worker is ready in c
    ],
)
def test_endpoints_stay_in_their_zone_as_far_as_none_is_overloaded(
    zones: str, shares: dict[str, float], wanted: str
) -> None:
    made = endpoints(*zones)
    give_hints(made, {}, shares)
    assert hinted(made) == wanted


def test_what_was_lent_out_stays_lent_and_comes_home_when_it_need_not_be() -> None:
    made = endpoints(*"aaaaab")
    give_hints(made, {"u03": "b"}, EVEN)
    assert hinted(made) == "baabab"
    made = endpoints(*"aaabbb")
    give_hints(made, {"u02": "b"}, EVEN)
    assert hinted(made) == "aaabbb"


def test_endpoints_that_are_not_ready_have_no_hints_and_do_not_count() -> None:
    made = endpoints("a", "b", "b")
    made["u02"]["conditions"]["ready"] = False
    give_hints(made, {}, EVEN)
    assert "hints" not in made["u02"]
    assert hinted({uid: made[uid] for uid in ("u00", "u01")}) == "ab"


@pytest.mark.parametrize(
    ("zones", "shares", "why"),
    [
        (["a"], EVEN, r"Insufficient number of endpoints \(1 endpoints, 2 zones\)"),
        (["a", ""], EVEN, "do not have a zone specified"),
        (["a", "b", "c"], {"a": 0.5, "b": 0.3, "c": 0.2}, "without exceeding overload threshold"),
    ],
)
def test_endpoints_that_allow_no_hints(zones: list[str], shares: dict[str, float], why: str) -> None:
    made = endpoints(*zones)
    with pytest.raises(NoHints, match=why):
        give_hints(made, {}, shares)
    assert not any("hints" in endpoint for endpoint in made.values())


def test_a_service_asks_by_annotation() -> None:
    def service(**annotations: str) -> Object:
        return {"metadata": {"annotations": {f"service.kubernetes.io/{k}": v for k, v in annotations.items()}}}

    assert wants_hints(service(**{"topology-mode": "Auto"}))
    assert wants_hints(service(**{"topology-aware-hints": "auto"}))
    assert not wants_hints(service(**{"topology-mode": "Disabled"}))
    assert not wants_hints(service())
