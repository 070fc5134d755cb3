"""The verbs of the REST API, over HTTP, with real storage."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from api.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, REPLICATION_CONTROLLERS, SERVICES
from apimachinery.errors import AlreadyExists, BadRequest, Conflict, Forbidden, Invalid, NotFound
from apimachinery.objects import Object
from client.rest import RestClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


def config_map(name: str, **fields: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", **fields.pop("metadata", {})},
        **fields,
    }


def controller(name: str, replicas: int = 2) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": labels,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    }


async def ask(
    api: RestClient, method: str, path: str, body: Any = None, media_type: str = "application/json", **params: str
) -> tuple[int, Any]:
    """Any request: status and decoded answer."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else None
    headers = {"Content-Type": media_type} if raw is not None else {}
    status, answer = await api.raw(method, path, body=raw, headers=headers, params=params)
    try:
        return status, orjson.loads(answer)
    except orjson.JSONDecodeError:
        return status, answer.decode()


async def test_an_object_from_create_to_delete(api: RestClient) -> None:
    made = await api.create(CONFIG_MAPS, config_map("life", data={"a": "1"}))
    assert made["metadata"]["uid"] and made["metadata"]["creationTimestamp"]
    with pytest.raises(AlreadyExists):
        await api.create(CONFIG_MAPS, config_map("life"))
    made["data"]["a"] = "2"
    changed = await api.update(CONFIG_MAPS, made)
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    with pytest.raises(Conflict, match="the object has been modified"):
        await api.update(CONFIG_MAPS, made)
    assert (await api.get(CONFIG_MAPS, "default", "life"))["data"] == {"a": "2"}
    await api.delete(CONFIG_MAPS, "default", "life")
    with pytest.raises(NotFound):
        await api.get(CONFIG_MAPS, "default", "life")


async def test_writing_what_is_there_changes_nothing(api: RestClient) -> None:
    made = await api.create(CONFIG_MAPS, config_map("noop", data={"a": "1"}))
    again = await api.update(CONFIG_MAPS, config_map("noop", data={"a": "1"}))
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    patched = await api.patch(CONFIG_MAPS, "default", "noop", {"data": {"a": "1"}}, patch_type="merge")
    assert patched["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_generated_names_do_not_collide(api: RestClient) -> None:
    base: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "gen-", "namespace": "default"},
    }
    made = await asyncio.gather(*(api.create(CONFIG_MAPS, base) for _ in range(30)))
    assert len({obj["metadata"]["name"] for obj in made}) == 30


async def test_patches_of_one_object_at_once_are_all_applied(api: RestClient) -> None:
    await api.create(CONFIG_MAPS, config_map("many"))
    bodies = [{"data": {f"k{index}": "v"}} for index in range(25)]
    await asyncio.gather(*(api.patch(CONFIG_MAPS, "default", "many", body, patch_type="merge") for body in bodies))
    assert len((await api.get(CONFIG_MAPS, "default", "many"))["data"]) == 25


async def test_only_one_of_many_writers_at_one_version_wins(api: RestClient) -> None:
    made = await api.create(CONFIG_MAPS, config_map("race"))
    tries = [api.update(CONFIG_MAPS, {**made, "data": {"by": str(index)}}) for index in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9


async def test_each_kind_of_patch(api: RestClient) -> None:
    await api.create(REPLICATION_CONTROLLERS, controller("patched"))
    where = (REPLICATION_CONTROLLERS, "default", "patched")
    made = await api.patch(*where, {"spec": {"replicas": 3}}, patch_type="merge")
    assert (made["spec"]["replicas"], made["metadata"]["generation"]) == (3, 2)
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    made = await api.patch(*where, operations, patch_type="json")
    assert made["spec"]["replicas"] == 4
    template = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "other"}]}}}}
    made = await api.patch(*where, template, patch_type="strategic")
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("other", "Always")
    applied = {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"labels": {"by": "apply"}}}
    made = await api.patch(*where, applied, patch_type="apply", params={"fieldManager": "tests"})
    assert made["metadata"]["labels"]["by"] == "apply"
    assert "Apply" in [entry["operation"] for entry in made["metadata"]["managedFields"]]


async def test_bad_bodies_change_nothing(api: RestClient) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    assert (await ask(api, "POST", path, b"{not json"))[0] == 400
    assert (await ask(api, "POST", path, {"kind": "Secret", "apiVersion": "v1"}))[0] == 400
    assert (await ask(api, "POST", path, {"metadata": {"name": "x", "namespace": "other"}}))[0] == 400
    assert (await ask(api, "POST", path, {"metadata": {"name": "x"}}, "text/plain"))[0] == 415
    assert (await ask(api, "POST", path, {"metadata": {"name": "Bad Name"}}))[0] == 422
    assert (await ask(api, "POST", path, b"x" * (4 << 20)))[0] == 413
    status, answer = await ask(api, "POST", path, {"metadata": {"name": "x"}, "bogus": 1}, fieldValidation="Strict")
    assert (status, 'unknown field "bogus"' in answer["message"]) == (400, True)
    assert (await ask(api, "GET", path + "/x"))[0] == 404


async def test_large_bodies_are_read_as_small_ones_are(api: RestClient) -> None:
    """They are decoded elsewhere."""
    path = "/api/v1/namespaces/default/configmaps"
    large = {**config_map("large", data={"a": "x" * 200_000}), "extra": 1}
    status, answer = await ask(api, "POST", path, large, fieldValidation="Strict")
    assert (status, answer["message"].endswith('strict decoding error: unknown field "extra"')) == (400, True)
    status, answer = await ask(api, "POST", path, orjson.dumps(large)[:-1])
    assert (status, answer["message"].endswith("unexpected end of JSON input")) == (400, False)
    status, answer = await ask(api, "POST", path, large)
    assert (status, len(answer["data"]["a"]), "extra" in answer) == (201, 200_000, False)


async def test_deleting_again_writes_nothing(api: RestClient) -> None:
    await api.create(CONFIG_MAPS, config_map("kept", metadata={"finalizers": ["a.example/b"]}))
    path = "/api/v1/namespaces/default/configmaps/kept"
    marked = (await ask(api, "DELETE", path))[1]
    assert marked["metadata"]["deletionTimestamp"]
    assert (await ask(api, "DELETE", path))[1] == marked
    await api.patch(CONFIG_MAPS, "default", "kept", {"metadata": {"finalizers": []}}, patch_type="merge")


async def test_dry_runs_leave_no_trace(api: RestClient) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    status, made = await ask(api, "POST", path, config_map("dry"), dryRun="All")
    assert (status, "resourceVersion" in made["metadata"]) == (201, False)
    assert (await ask(api, "GET", path + "/dry"))[0] == 404
    await api.create(CONFIG_MAPS, config_map("dry"))
    assert (await ask(api, "DELETE", path + "/dry", dryRun="All"))[0] == 200
    assert (await ask(api, "GET", path + "/dry"))[0] == 200


async def test_a_dry_run_shows_what_a_service_would_hold(api: RestClient) -> None:
    path = "/api/v1/namespaces/default/services"
    given = {"metadata": {"name": "dry"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    status, shown = await ask(api, "POST", path, given, dryRun="All")
    spec = shown["spec"]
    assert (status, spec["clusterIPs"], spec["ports"][0]["nodePort"]) == (201, [spec["clusterIP"]], 32769)
    status, made = await ask(api, "POST", path, given)
    taken = made["spec"]["clusterIP"]
    status, refused = await ask(
        api, "POST", path, {"metadata": {"name": "x"}, "spec": {"clusterIP": taken, "ports": [{"port": 80}]}},
        dryRun="All",
    )  # fmt: skip
    assert (status, "provided IP is already allocated" in refused["message"]) == (422, True)
    status, shown = await ask(api, "PUT", f"{path}/dry", given, dryRun="All")
    assert (status, shown["spec"]["clusterIP"]) == (200, taken)
    await api.delete(SERVICES, "default", "dry")


async def test_events_are_judged_by_the_version_they_come_through(api: RestClient) -> None:
    new = {"metadata": {"name": "e"}, "eventTime": "2024-05-01T00:00:00.000000Z", "reportingController": "a.b/c",
           "reportingInstance": "i", "action": "Act", "reason": "Why", "type": "Odd"}  # fmt: skip
    status, answer = await ask(api, "POST", "/apis/events.k8s.io/v1/namespaces/default/events", new)
    expected = 'Event "e" is invalid: type: Invalid value: "": has invalid value: Odd'
    assert (status, answer["message"]) == (422, expected)
    old = {"metadata": {"name": "e"}, "type": "Odd", "involvedObject": {"namespace": "default"}}
    status, _ = await ask(api, "POST", "/api/v1/namespaces/default/events", old)
    assert status == 201


async def test_what_an_apply_creates_is_admitted_as_created(api: RestClient) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await ask(api, "POST", "/api/v1/namespaces", {"metadata": {"name": "full"}})
    path = "/api/v1/namespaces/full"
    await ask(api, "POST", f"{path}/serviceaccounts", {"metadata": {"name": "default"}})
    await ask(api, "POST", f"{path}/resourcequotas", quota)
    nothing = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
    await ask(api, "PUT", f"{path}/resourcequotas/none/status", {**quota, "status": nothing})
    containers = {"containers": [{"name": "c", "image": "nginx"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": containers}
    apply = "application/apply-patch+yaml"
    status, answer = await ask(api, "PATCH", f"{path}/pods/p", pod, apply, fieldManager="tests")
    assert (status, "exceeded quota: none" in answer["message"]) == (403, True)
    await ask(api, "DELETE", f"{path}/resourcequotas/none")
    status, made = await ask(api, "PATCH", f"{path}/pods/p", pod, apply, fieldManager="tests")
    assert (status, made["spec"]["preemptionPolicy"], made["spec"]["priority"]) == (201, "PreemptLowerPriority", 0)


async def test_two_who_apply_a_new_object_at_once_both_succeed(api: RestClient) -> None:
    async def apply(manager: str) -> int:
        body = config_map("shared", data={manager: "x"})
        path = "/api/v1/namespaces/default/configmaps/shared"
        return (await ask(api, "PATCH", path, body, "application/apply-patch+yaml", fieldManager=manager))[0]

    statuses = await asyncio.gather(*(apply(f"m{number}") for number in range(8)))
    assert sorted(statuses) == [*[200] * 7, 201]
    assert len((await api.get(CONFIG_MAPS, "default", "shared"))["data"]) == 8


async def test_what_is_not_there_in_the_reference_s_words(api: RestClient) -> None:
    async def told(path: str) -> str:
        status, answer = await ask(api, "GET", path)
        assert status == 404
        return str(answer["message"])

    apps, core = "/apis/apps/v1/namespaces/default", "/api/v1/namespaces/default"
    assert await told(f"{apps}/deployments/x/scale") == 'deployments/scale.apps "x" not found'
    assert await told(f"{apps}/statefulsets/x/scale") == 'statefulsets.apps "x" not found'
    rc = 'replicationcontrollers/scale.autoscaling "x" not found'
    assert await told(f"{core}/replicationcontrollers/x/scale") == rc


async def test_a_collection_is_not_put(api: RestClient) -> None:
    for method, media_type in (("PUT", "application/json"), ("PATCH", "application/merge-patch+json")):
        status, answer = await ask(api, method, "/api/v1/namespaces/default/configmaps", config_map("x"), media_type)
        assert (status, answer["reason"]) == (405, "MethodNotAllowed")


async def test_a_pod_without_a_node_has_no_log(api: RestClient) -> None:
    spec = {"containers": [{"name": "c", "image": "nginx"}], "automountServiceAccountToken": False}
    await ask(api, "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    await ask(api, "POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "nowhere"}, "spec": spec})
    assert await ask(api, "GET", "/api/v1/namespaces/default/pods/nowhere/log") == (204, "")


async def test_a_limit_range_without_a_name_gets_one(api: RestClient) -> None:
    status, made = await ask(api, "POST", "/api/v1/namespaces/default/limitranges", {"metadata": {}}, dryRun="All")
    assert (status, len(made["metadata"]["name"])) == (201, 36)


async def test_finalizers_hold_an_object_until_they_are_gone(api: RestClient) -> None:
    await api.create(CONFIG_MAPS, config_map("held", metadata={"finalizers": ["example.com/f"]}))
    marked = await api.delete(CONFIG_MAPS, "default", "held")
    assert marked["metadata"]["deletionTimestamp"]
    with pytest.raises(Invalid, match="no new finalizers"):
        body = {"metadata": {"finalizers": ["example.com/f", "example.com/g"]}}
        await api.patch(CONFIG_MAPS, "default", "held", body, patch_type="merge")
    await api.patch(CONFIG_MAPS, "default", "held", {"metadata": {"finalizers": None}}, patch_type="merge")
    with pytest.raises(NotFound):
        await api.get(CONFIG_MAPS, "default", "held")


async def test_preconditions_of_a_delete(api: RestClient) -> None:
    made = await api.create(CONFIG_MAPS, config_map("precious"))
    with pytest.raises(Conflict):
        await api.delete(CONFIG_MAPS, "default", "precious", uid="other")
    await api.delete(CONFIG_MAPS, "default", "precious", uid=made["metadata"]["uid"])


async def test_a_collection_is_deleted_by_selector(api: RestClient) -> None:
    for index in range(3):
        labels = {"labels": {"batch": "yes" if index else "no"}}
        await api.create(CONFIG_MAPS, config_map(f"batch-{index}", metadata=labels))
    path = "/api/v1/namespaces/default/configmaps"
    status, answer = await ask(api, "DELETE", path, labelSelector="batch=yes")
    assert (status, len(answer["items"])) == (200, 2)
    left = await api.list(CONFIG_MAPS, "default", label_selector="batch")
    assert [item["metadata"]["name"] for item in left["items"]] == ["batch-0"]


async def test_pages_are_one_snapshot(api: RestClient) -> None:
    await api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pages"}})
    for index in range(7):
        await api.create(CONFIG_MAPS, config_map(f"c{index}", metadata={"namespace": "pages"}))
    page = await api.list(CONFIG_MAPS, "pages", limit=3)
    assert page["metadata"]["remainingItemCount"] == 4
    seen = [item["metadata"]["name"] for item in page["items"]]
    await api.delete(CONFIG_MAPS, "pages", "c5")
    await api.create(CONFIG_MAPS, config_map("c45", metadata={"namespace": "pages"}))
    while token := page["metadata"].get("continue"):
        page = await api.list(CONFIG_MAPS, "pages", limit=3, continue_token=token)
        seen += [item["metadata"]["name"] for item in page["items"]]
    assert seen == [f"c{index}" for index in range(7)]


async def test_a_list_at_an_exact_revision_shows_the_past(api: RestClient) -> None:
    before = await api.create(CONFIG_MAPS, config_map("past"))
    await api.delete(CONFIG_MAPS, "default", "past")
    path = "/api/v1/namespaces/default/configmaps"
    version = before["metadata"]["resourceVersion"]
    _, listed = await ask(api, "GET", path, resourceVersion=version, resourceVersionMatch="Exact")
    assert "past" in [item["metadata"]["name"] for item in listed["items"]]
    status, answer = await ask(api, "GET", path, resourceVersion="999999999")
    assert (status, "Too large resource version" in answer["message"]) == (504, True)


async def test_a_watch_sees_each_change_once_and_in_order(api: RestClient) -> None:
    start = (await api.list(CONFIG_MAPS, "default"))["metadata"]["resourceVersion"]
    made = await api.create(CONFIG_MAPS, config_map("seen", metadata={"labels": {"w": "1"}}))
    await api.patch(CONFIG_MAPS, "default", "seen", {"data": {"a": "1"}}, patch_type="merge")
    await api.patch(CONFIG_MAPS, "default", "seen", {"metadata": {"labels": {"w": "2"}}}, patch_type="merge")
    types = []
    async for event in api.watch(
        CONFIG_MAPS, "default", resource_version=start, label_selector="w=1", timeout_seconds=2
    ):
        if event.type != "BOOKMARK":
            types.append(event.type)
            assert event.object["metadata"]["name"] == made["metadata"]["name"]
    assert types == ["ADDED", "MODIFIED", "DELETED"]


async def test_scale_and_status_write_their_part_only(api: RestClient) -> None:
    await api.create(REPLICATION_CONTROLLERS, controller("scaled"))
    scale = await api.get(REPLICATION_CONTROLLERS, "default", "scaled", subresource="scale")
    scale["spec"]["replicas"] = 5
    await api.update(REPLICATION_CONTROLLERS, scale, subresource="scale")
    obj = await api.get(REPLICATION_CONTROLLERS, "default", "scaled")
    assert (obj["spec"]["replicas"], obj["metadata"]["generation"]) == (5, 2)
    obj["status"]["replicas"], obj["spec"]["replicas"] = 5, 9
    after = await api.update(REPLICATION_CONTROLLERS, obj, subresource="status")
    assert (after["status"]["replicas"], after["spec"]["replicas"]) == (5, 5)


async def test_a_pod_is_bound_once(api: RestClient) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await ask(api, "POST", "/api/v1/namespaces/default/serviceaccounts", account)
    pod = {"metadata": {"name": "bound"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    status, _ = await ask(api, "POST", "/api/v1/namespaces/default/pods", {"apiVersion": "v1", "kind": "Pod", **pod})
    assert status == 201
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "bound"},
        "target": {"kind": "Node", "name": "n"},
    }
    path = "/api/v1/namespaces/default/pods/bound/binding"
    statuses = await asyncio.gather(*(ask(api, "POST", path, binding) for _ in range(5)))
    assert sorted(status for status, _ in statuses) == [201, 409, 409, 409, 409]
    assert (await api.get(PODS, "default", "bound"))["spec"]["nodeName"] == "n"


async def test_services_get_addresses_and_give_them_back(api: RestClient) -> None:
    def service(name: str, **spec: Any) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"ports": [{"port": 80}], **spec},
        }

    made = await api.create(SERVICES, service("one", type="NodePort"))
    port = made["spec"]["ports"][0]["nodePort"]
    address = made["spec"]["clusterIP"]
    with pytest.raises(Invalid, match="provided port is already allocated"):
        await api.create(SERVICES, service("two", type="NodePort", ports=[{"port": 80, "nodePort": port}]))
    await api.delete(SERVICES, "default", "one")
    again = await api.create(SERVICES, service("two", clusterIP=address))
    assert again["spec"]["clusterIP"] == address


async def test_a_namespace_ends_by_its_finalize_subresource(api: RestClient) -> None:
    await api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}})
    ending = await api.delete(NAMESPACES, "", "ending")
    assert ending["status"]["phase"] == "Terminating"
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await api.create(CONFIG_MAPS, config_map("late", metadata={"namespace": "ending"}))
    await api.update(NAMESPACES, {**ending, "spec": {"finalizers": []}}, subresource="finalize")
    with pytest.raises(NotFound):
        await api.get(NAMESPACES, "", "ending")


async def test_unknown_paths_verbs_and_versions(api: RestClient) -> None:
    assert (await ask(api, "GET", f"/api/v1/pods?limit={'9' * 5000}"))[0] == 400
    assert (await ask(api, "GET", "/api/v1/namespaces/default/things"))[1]["reason"] == "NotFound"
    assert (await ask(api, "GET", "/nowhere")) == (404, "404 page not found\n")
    assert (await ask(api, "DELETE", "/api/v1/namespaces"))[0] == 405
    assert (await ask(api, "POST", "/api/v1/pods", {}))[0] == 405
    with pytest.raises(BadRequest, match="field label not supported"):
        await api.list(PODS, "default", field_selector="spec.bogus=1")
    with pytest.raises(Invalid):
        await api.create(
            DEPLOYMENTS,
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "default"}},
        )
