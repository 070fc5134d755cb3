"""Lists, Tables and PartialObjectMetadata."""

from __future__ import annotations

import orjson

from api.catalog import by_resource
from api.kind import Kind
from apimachinery.objects import Object
from apiserver.http import views
from apiserver.http.reply import Pieces
from apiserver.watchcache.window import CachedObject


def kind(group: str, version: str, plural: str) -> Kind:
    found = by_resource(group, version, plural)
    assert found is not None
    return found


PODS, CONFIG_MAPS = kind("", "v1", "pods"), kind("", "v1", "configmaps")


def config_map(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "resourceVersion": "5"},
        "data": {"a": "b"},
    }


def cached(obj: Object) -> CachedObject:
    return CachedObject(obj["metadata"]["name"], "default", obj["metadata"]["name"], orjson.dumps(obj), 5, obj)


def listed(items: list[CachedObject], metadata: Object) -> Object:
    body = views.list_body(CONFIG_MAPS, items, metadata, typed_items=False)
    decoded: Object = orjson.loads(body if isinstance(body, bytes) else body.whole())
    return decoded


def test_the_items_of_a_list_do_not_repeat_their_type() -> None:
    items = [cached(config_map("x")), cached(config_map("y"))]
    body = listed(items, {"resourceVersion": "9"})
    assert (body["kind"], body["apiVersion"], body["metadata"]) == ("ConfigMapList", "v1", {"resourceVersion": "9"})
    assert [item["metadata"]["name"] for item in body["items"]] == ["x", "y"]
    assert not any("kind" in item or "apiVersion" in item for item in body["items"])


def test_an_empty_list_has_empty_items() -> None:
    assert listed([], {})["items"] == []


def test_items_that_were_converted_do_not_repeat_their_type_either() -> None:
    body = orjson.loads(views.list_of_objects(CONFIG_MAPS, [config_map("x")], {}, typed_items=False))
    assert body == listed([cached(config_map("x"))], {})


def test_a_long_list_is_sent_in_pieces_of_the_same_bytes() -> None:
    obj = {**config_map("x"), "data": {"long": "x" * 300_000}}
    body = views.list_body(CONFIG_MAPS, [cached(obj), cached(obj)], {}, typed_items=False)
    assert isinstance(body, Pieces)
    announced = body.size
    assert len(body.whole()) == announced


def test_rows_carry_metadata_by_default_the_object_or_nothing() -> None:
    obj = config_map("x")
    rows = {include: views.table(CONFIG_MAPS, [obj], {}, include)["rows"][0] for include in ("", "Object", "None")}
    assert rows[""]["object"]["kind"] == "PartialObjectMetadata"
    assert rows["Object"]["object"] == obj
    assert "object" not in rows["None"]
    assert rows[""]["cells"][0] == "x"


def test_a_bookmark_keeps_its_version_in_a_table_watch() -> None:
    transform = views.object_transform(CONFIG_MAPS, None, "Table", "", "v1")
    assert transform is not None
    made = transform({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "12"}})
    assert made["metadata"]["resourceVersion"] == "12"
    assert made["rows"][0]["object"]["metadata"]["resourceVersion"] == "12"
