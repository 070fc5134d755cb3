"""Server-side apply: merging, conflicts, force, shared ownership, and removal of what is no longer applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import fieldmanager, schema
from apimachinery.errors import ApiError, Conflict
from apimachinery.fieldmanager.last_applied import ANNOTATION
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import TypeSchema

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def kind(group: str, version: str, name: str) -> TypeSchema:
    found = schema.load().for_kind(group, version, name)
    assert found is not None
    return found


CONFIG_MAP = kind("", "v1", "ConfigMap")
DEPLOYMENT = kind("apps", "v1", "Deployment")
SERVICE = kind("", "v1", "Service")


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def applied(
    live: Object | None,
    configuration: Object,
    manager: str,
    *,
    force: bool = False,
    now: datetime = NOW,
    types: TypeSchema = CONFIG_MAP,
    subresource: str = "",
) -> Object:
    before = deep_copy([live, configuration])
    result = fieldmanager.apply(
        live, configuration, manager=manager, force=force, subresource=subresource, schema=types, now=now
    )
    assert [live, configuration] == before, "arguments are not changed"
    decoded: Object = deep_copy(result)
    types.decode(decoded)
    return decoded


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", ())}


def test_an_apply_creates_and_owns_its_leaves() -> None:
    created = applied(None, config_map(a="1"), "one")
    assert created["data"] == {"a": "1"}
    assert created["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": "2024-05-01T10:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        }
    ]


def test_another_value_for_an_owned_field_conflicts() -> None:
    live = applied(None, config_map(a="1", b="1"), "one")
    with pytest.raises(Conflict) as caught:
        applied(live, config_map(a="2"), "two")
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    assert caught.value.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}]
    }
    with pytest.raises(Conflict) as caught:
        applied(live, config_map(a="2", b="2"), "two")
    assert caught.value.message == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b'


def test_force_takes_the_field_over() -> None:
    live = applied(None, config_map(a="1", b="1"), "one")
    taken = applied(live, config_map(a="2"), "two", force=True)
    assert taken["data"] == {"a": "2", "b": "1"}
    assert owners(taken) == {"one": {"f:data": {"f:b": {}}}, "two": {"f:data": {"f:a": {}}}}


def test_the_same_value_is_shared() -> None:
    live = applied(None, config_map(a="1"), "one")
    shared = applied(live, config_map(a="1"), "two", now=LATER)
    assert owners(shared) == {"one": {"f:data": {"f:a": {}}}, "two": {"f:data": {"f:a": {}}}}
    two = shared["metadata"]["managedFields"][0]
    assert two["manager"] == "two" and "time" not in two
    # One of the two may let go of it; with the last owner the field goes.
    left = applied(shared, config_map(), "one")
    assert left["data"] == {"a": "1"}
    assert owners(left) == {"two": {"f:data": {"f:a": {}}}, "one": {"f:data": {}}}
    assert not applied(left, config_map(), "two").get("data")


def test_what_is_no_longer_applied_is_removed() -> None:
    live = applied(None, config_map(a="1", b="2"), "one")
    assert applied(live, config_map(a="1"), "one")["data"] == {"a": "1"}


def test_what_an_update_owns_stays_when_it_is_no_longer_applied() -> None:
    live = applied(None, config_map(a="1", b="2"), "one")
    changed = {**live, "data": {"a": "9", "b": "2"}}
    live = fieldmanager.update(live, changed, manager="cli", subresource="", schema=CONFIG_MAP, now=NOW)
    with pytest.raises(Conflict, match=r'conflict with "cli" using v1: \.data\.a'):
        applied(live, config_map(a="1", b="2"), "one")
    assert applied(live, config_map(b="2"), "one")["data"] == {"a": "9", "b": "2"}


def test_an_apply_to_an_untracked_object_names_who_was_before() -> None:
    live = applied(config_map(a="1"), config_map(b="2"), "one")
    assert live["data"] == {"a": "1", "b": "2"}
    assert owners(live) == {"before-first-apply": {"f:data": {".": {}, "f:a": {}}}, "one": {"f:data": {"f:b": {}}}}


def test_an_apply_without_effect_changes_nothing() -> None:
    live = applied(None, config_map(a="1"), "one")
    assert applied(live, config_map(a="1"), "one", now=LATER) == live


def deployment(*containers: Object, **spec: Any) -> Object:
    template = {"spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x"},
        "spec": {**spec, "template": template},
    }


def containers(obj: Object) -> list[Object]:
    found: list[Object] = obj["spec"]["template"]["spec"]["containers"]
    return found


def test_lists_merge_by_key() -> None:
    live = applied(None, deployment({"name": "a", "image": "a"}, {"name": "b", "image": "b"}), "one", types=DEPLOYMENT)
    side = deployment({"name": "a", "env": [{"name": "E", "value": "1"}]}, {"name": "side", "image": "s"})
    both = applied(live, side, "two", types=DEPLOYMENT)
    assert [container["name"] for container in containers(both)] == ["a", "b", "side"]
    assert containers(both)[0] == {"name": "a", "image": "a", "env": [{"name": "E", "value": "1"}], "resources": {}}
    mine = owners(both)["two"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert mine == {
        'k:{"name":"a"}': {".": {}, "f:env": {'k:{"name":"E"}': {".": {}, "f:name": {}, "f:value": {}}}, "f:name": {}},
        'k:{"name":"side"}': {".": {}, "f:image": {}, "f:name": {}},
    }
    without = applied(both, deployment(), "two", types=DEPLOYMENT)
    assert containers(without) == containers(live)


def test_the_applied_order_wins_among_shared_elements() -> None:
    live = applied(None, deployment({"name": "a"}, {"name": "x"}, {"name": "b"}), "one", types=DEPLOYMENT)
    both = applied(live, deployment({"name": "b"}, {"name": "n"}, {"name": "a"}), "two", types=DEPLOYMENT)
    assert [container["name"] for container in containers(both)] == ["x", "b", "n", "a"]


def test_atomic_lists_and_structs_are_owned_as_a_whole() -> None:
    selector = {"matchLabels": {"a": "b"}}
    live = applied(None, deployment(selector=selector), "one", types=DEPLOYMENT)
    assert owners(live)["one"]["f:spec"]["f:selector"] == {}
    with pytest.raises(Conflict, match=r"\.spec\.selector$"):
        applied(live, deployment(selector={"matchLabels": {"c": "d"}}), "two", types=DEPLOYMENT)


def test_default_keys_are_filled_in() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}}
    live = applied(None, service, "one", types=SERVICE)
    assert owners(live)["one"]["f:spec"]["f:ports"] == {
        'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}},
    }


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
            '.spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
        ),
        ({"bogus": 1}, ".spec.bogus: field not declared in schema"),
        ({"ports": {}}, ".spec.ports: expected list, got &{map[]}"),
        ({"healthCheckNodePort": "x"}, ".spec.healthCheckNodePort: expected numeric (int or float), got string"),
        (
            {"ports": [{"name": "a"}]},
            ".spec.ports: element 0: associative list with keys has an element that omits key field "
            '"port" (and doesn\'t have default value)',
        ),
        (
            {"type": 1, "clusterIP": 2},
            "errors:\n  .spec.type: expected string, got &value.valueUnstructured{Value:1}\n"
            "  .spec.clusterIP: expected string, got &value.valueUnstructured{Value:2}",
        ),
    ],
)
def test_configurations_that_do_not_fit(spec: Object, text: str) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec}
    with pytest.raises(ApiError) as caught:
        applied(None, service, "one", types=SERVICE)
    assert caught.value.message == f"failed to create typed patch object (/x; /v1, Kind=Service): {text}"
    assert caught.value.status()["code"] == 500


def test_kubectl_takes_over_what_it_had_applied_on_the_client_side() -> None:
    noted = config_map(a="1")
    live: Object = {**config_map(a="1", b="2")}
    live["metadata"] = {"name": "x", "annotations": {ANNOTATION: orjson.dumps(noted).decode()}}
    live = fieldmanager.update(None, live, manager="client", subresource="", schema=CONFIG_MAP, now=NOW)
    with pytest.raises(Conflict):
        applied(live, config_map(a="9"), "other")
    taken = applied(live, config_map(a="9"), "kubectl")
    assert taken["data"] == {"a": "9", "b": "2"}
    assert orjson.loads(taken["metadata"]["annotations"][ANNOTATION])["data"] == {"a": "9"}
    with pytest.raises(Conflict, match=r"\.data\.b$"):
        applied(live, config_map(b="9"), "kubectl")


data = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), data), max_size=6))
def test_forced_applies_leave_what_their_managers_last_said(steps: list[tuple[str, dict[str, str]]]) -> None:
    """The object is what the last word on each key was, for every key that someone still applies."""
    live: Object | None = None
    last: dict[str, dict[str, str]] = {}
    for manager, wanted in steps:
        live = applied(live, config_map(**wanted), manager, force=True)
        for other, claims in last.items():
            if other != manager:
                last[other] = {key: value for key, value in claims.items() if wanted.get(key, value) == value}
        last[manager] = dict(wanted)
        expected = {key: value for claims in last.values() for key, value in claims.items()}
        assert (live.get("data") or {}) == expected
