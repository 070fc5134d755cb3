"""Which EndpointSlices a Service, its pods and the slices there are lead to."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from controller.endpointslice.plan import SlicePlan, plan_slices
from controller.endpointslice.tracker import SliceTracker
from tests.unit.controller.samples import NODES, pod, service


def _plan(pods: list[Object], existing: list[Object], *, max_endpoints: int = 2, **spec: Any) -> SlicePlan:
    return plan_slices(service(**spec), pods, NODES, existing, max_endpoints=max_endpoints)


def _stored(plan: SlicePlan) -> list[Object]:
    """The created slices as the API server would give them back."""
    made = []
    for number, current in enumerate(plan.create):
        made.append({**current, "metadata": {**current["metadata"], "name": f"web-{number}", "uid": f"s{number}"}})
    return made


def _addresses(current: Object) -> list[str]:
    return [endpoint["addresses"][0] for endpoint in current["endpoints"]]


def test_endpoints_are_spread_over_slices_of_limited_size() -> None:
    plan = _plan([pod(1), pod(2), pod(3)], [])
    assert [len(current["endpoints"]) for current in plan.create] == [2, 1]
    first = plan.create[0]
    assert first["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert first["endpoints"][0] == {
        "addresses": ["10.244.0.1"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "n1",
        "zone": "z1",
        "targetRef": {"kind": "Pod", "namespace": "default", "name": "web-1", "uid": "u001"},
    }
    assert first["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]


def test_nothing_is_written_where_all_is_right() -> None:
    pods = [pod(1), pod(2), pod(3)]
    existing = _stored(_plan(pods, []))
    assert _plan(pods, existing) == SlicePlan()


def test_what_is_left_stays_in_place_and_what_is_new_fills_the_room() -> None:
    existing = _stored(_plan([pod(1), pod(2), pod(3)], []))
    plan = _plan([pod(1), pod(2), pod(3), pod(4)], existing)
    (changed,) = plan.update
    assert changed["metadata"]["name"] == "web-1"
    assert _addresses(changed) == ["10.244.0.3", "10.244.0.4"]
    assert not plan.create
    assert not plan.delete


def test_a_slice_that_runs_empty_goes_but_one_is_kept() -> None:
    existing = _stored(_plan([pod(1), pod(2), pod(3)], []))
    plan = _plan([pod(1), pod(2)], existing)
    assert [current["metadata"]["name"] for current in plan.delete] == ["web-1"]

    plan = _plan([], existing)
    assert [current["endpoints"] for current in plan.update] == [[]]
    assert len(plan.delete) == 1
    assert len(_plan([], []).create) == 1


def test_a_terminating_pod_still_serves_but_is_not_ready() -> None:
    plan = _plan([pod(1, deleting=True)], [])
    assert plan.create[0]["endpoints"][0]["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_a_changed_port_moves_the_endpoints_to_another_slice() -> None:
    existing = _stored(_plan([pod(1)], []))
    plan = _plan([pod(1)], existing, ports=[{"port": 80, "targetPort": 9090}])
    assert [current["ports"][0]["port"] for current in plan.create] == [9090]
    assert plan.delete == existing


def test_the_tracker_waits_for_writes_that_the_informer_has_not_brought() -> None:
    tracker = SliceTracker()
    written: Object = {"metadata": {"name": "web-1", "generation": 2}}
    tracker.wrote("default/web", written)
    assert tracker.behind("default/web", [])
    assert tracker.behind("default/web", [{"metadata": {"name": "web-1", "generation": 1}}])
    assert not tracker.behind("default/web", [written])
    tracker.gone("default/web", "web-1")
    assert not tracker.behind("default/web", [])
