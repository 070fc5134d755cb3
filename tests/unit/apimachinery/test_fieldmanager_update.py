"""Owners on writes that are no apply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery import fieldmanager, schema
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import TypeSchema

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def kind(group: str, version: str, name: str) -> TypeSchema:
    found = schema.load().for_kind(group, version, name)
    assert found is not None
    return found


CONFIG_MAP = kind("", "v1", "ConfigMap")
POD = kind("", "v1", "Pod")
SERVICE = kind("", "v1", "Service")


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "uid": "u"}, "data": data}


def written(
    live: Object | None, new: Object, manager: str, now: datetime = NOW, types: TypeSchema = CONFIG_MAP, **options: Any
) -> Object:
    before = deep_copy([live, new])
    result = fieldmanager.update(
        live, new, manager=manager, subresource=options.pop("subresource", ""), schema=types, now=now, **options
    )
    assert [live, new] == before, "arguments are not changed"
    return result


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", ())}


def with_data(obj: Object, **data: str) -> Object:
    return {**obj, "data": data}


def test_the_creator_owns_everything_but_the_identity() -> None:
    created = written(
        None, {**config_map(a="1"), "metadata": {"name": "x", "generateName": "y", "labels": {"l": "1"}}}, "m"
    )
    assert created["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2024-05-01T10:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:a": {}},
                "f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:l": {}}},
            },
        }
    ]


def test_what_every_object_of_the_type_has_is_not_owned() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}], "tolerations": [{"key": "k"}]},
    }
    POD.decode(pod)
    container: Object = {
        ".": {},
        "f:name": {},
        "f:resources": {},
        "f:ports": {".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
    }
    assert owners(written(None, pod, "m", types=POD)) == {
        "m": {"f:spec": {"f:containers": {'k:{"name":"c"}': container}, "f:tolerations": {}}}
    }


def pod(name: str, image: str, **metadata: Any) -> Object:
    """As a controller makes it of a template: the identity comes with each."""
    made = {"metadata": {"name": name, "uid": f"uid-of-{name}", "labels": {"app": "x"}, **metadata}}
    return {"apiVersion": "v1", "kind": "Pod", **made, "spec": {"containers": [{"name": "c", "image": image}]}}


def test_objects_of_one_template_share_what_their_creators_own() -> None:
    first, second = (owners(written(None, pod(name, "i"), name, types=POD))[name] for name in ("a", "b"))
    assert first is second  # thousands of replicas keep it in memory
    assert first["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}


def test_what_creators_own_differs_where_the_object_the_type_or_the_way_of_writing_does() -> None:
    def owned(obj: Object, types: TypeSchema = POD, **options: Any) -> Object:
        found: Object = owners(written(None, obj, "m", types=types, **options))["m"]
        return found

    running = {**pod("a", "i"), "status": {"phase": "Running"}}
    assert owned(running) == {**owned(pod("a", "i")), "f:status": {"f:phase": {}}}
    assert owned(running, reset=("status",)) == owned(pod("a", "i"))
    assert owned(pod("a", "i", annotations={"k": "v"})) != owned(pod("a", "i"))
    ports = {"apiVersion": "v1", "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}}
    assert owned(ports) == {"f:spec": {"f:ports": {}}}
    element: Object = {".": {}, "f:port": {}, "f:protocol": {}}
    assert owned(ports, SERVICE) == {"f:spec": {"f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': element}}}


def test_a_changed_field_changes_its_owner() -> None:
    created = written(None, config_map(a="1", b="2"), "one")
    changed = written(created, with_data(created, a="9", b="2"), "two", LATER)
    assert owners(changed) == {"one": {"f:data": {".": {}, "f:b": {}}}, "two": {"f:data": {"f:a": {}}}}
    times = [entry["time"] for entry in changed["metadata"]["managedFields"]]
    assert times == ["2024-05-01T10:00:00Z", "2024-05-01T10:01:00Z"]


def test_removing_a_field_removes_it_from_its_owner_and_owns_nothing() -> None:
    created = written(None, config_map(a="1", b="2"), "one")
    removed = written(created, with_data(created, a="1"), "two", LATER)
    assert owners(removed) == {"one": {"f:data": {".": {}, "f:a": {}}}}


def test_a_write_that_changes_nothing_leaves_all_as_it_is() -> None:
    created = written(None, config_map(a="1"), "one")
    assert written(created, deep_copy(created), "two", LATER) == created


def test_the_same_manager_collects_what_it_writes() -> None:
    created = written(None, config_map(a="1"), "one")
    changed = written(created, with_data(created, a="1", b="2"), "one", LATER)
    assert owners(changed) == {"one": {"f:data": {".": {}, "f:a": {}, "f:b": {}}}}
    assert changed["metadata"]["managedFields"][0]["time"] == "2024-05-01T10:01:00Z"


def test_subresources_have_entries_of_their_own() -> None:
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"nodeName": "n"},
    }
    POD.decode(pod)
    created = written(None, pod, "m", types=POD, reset=("status",))
    ready = {**created, "status": {"phase": "Running"}, "spec": {"containers": None}}
    changed = written(created, ready, "m", LATER, types=POD, subresource="status", reset=("spec",))
    entries = changed["metadata"]["managedFields"]
    assert [(entry.get("subresource"), entry["fieldsV1"]) for entry in entries] == [
        (None, {"f:spec": {"f:nodeName": {}}}),
        ("status", {"f:status": {"f:phase": {}}}),
    ]


def test_a_request_may_leave_out_reset_or_replace_the_list() -> None:
    created = written(None, config_map(a="1"), "one")
    without = {**created, "metadata": {"name": "x", "uid": "u"}}
    assert owners(written(created, without, "two")) == owners(created)
    resets: tuple[list[Object], ...] = ([], [{}])
    for empty in resets:
        reset = {**created, "metadata": {**without["metadata"], "managedFields": empty}}
        assert "managedFields" not in written(created, reset, "two")["metadata"]
    entry = {**created["metadata"]["managedFields"][0], "manager": "renamed"}
    replaced = {**created, "metadata": {**without["metadata"], "managedFields": [entry]}}
    assert list(owners(written(created, replaced, "two"))) == ["renamed"]
    nonsense = {**created, "metadata": {**without["metadata"], "managedFields": [{"operation": "Dance"}]}}
    assert owners(written(created, nonsense, "two")) == owners(created)


def test_objects_without_the_list_are_not_tracked_until_an_apply() -> None:
    untracked = config_map(a="1")
    assert "managedFields" not in written(untracked, with_data(untracked, a="2"), "m")["metadata"]


def test_the_eleventh_updater_makes_the_oldest_two_one() -> None:
    obj = written(None, config_map(k0="0"), "m0", NOW)
    data = {"k0": "0"}
    for number in range(1, 12):
        data[f"k{number}"] = str(number)
        obj = written(obj, with_data(obj, **data), f"m{number}", NOW + timedelta(seconds=number))
    entries = obj["metadata"]["managedFields"]
    assert len(entries) == 10
    oldest = next(entry for entry in entries if entry["manager"] == "ancient-changes")
    assert oldest["fieldsV1"] == {"f:data": {".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}}}
    assert oldest["time"] == "2024-05-01T10:00:02Z"


def test_duplicates_in_a_live_list_do_no_harm() -> None:
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": []}}
    env = [{"name": "E", "value": "1"}, {"name": "E", "value": "2"}]
    pod["spec"]["containers"] = [{"name": "c", "env": env}]
    POD.decode(pod)
    created = written(None, pod, "m", types=POD)
    below = created["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"c"}']["f:env"]
    assert below == {".": {}, 'k:{"name":"E"}': {}}
    changed = deep_copy(created)
    changed["spec"]["containers"][0]["env"] = env[:1]
    assert "m" in owners(written(created, changed, "m", LATER, types=POD))
