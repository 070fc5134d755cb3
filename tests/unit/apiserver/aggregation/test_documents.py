"""Headers, discovery and OpenAPI of other servers, as they are passed on and merged."""

from __future__ import annotations

from typing import Any

from apiserver.aggregation import discovery, openapi
from apiserver.aggregation.transport import forwarded
from apiserver.interfaces import UserInfo

_EVE = UserInfo("eve", groups=("devs", "system:authenticated"), extra={"example.com/Scope é": ("a", "b")})


def test_credentials_stay_here_and_the_user_goes_on() -> None:
    dropped = ("Host", "Authorization", "X-Remote-User", "x-remote-group", "X-Remote-Extra-Admin", "Impersonate-User")
    sent = [(name, "system:masters") for name in dropped]
    sent += [("Accept", "application/json"), ("X-Forwarded-For", "192.0.2.1")]
    sent += [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    headers = forwarded(sent, _EVE, "192.0.2.7")
    assert sorted(headers.items()) == [
        ("Accept", "application/json"),
        ("X-Forwarded-For", "192.0.2.1, 192.0.2.7"),
        ("X-Remote-Extra-example.com%2FScope%20%C3%A9", "a"),
        ("X-Remote-Extra-example.com%2FScope%20%C3%A9", "b"),
        ("X-Remote-Group", "devs"),
        ("X-Remote-Group", "system:authenticated"),
        ("X-Remote-User", "eve"),
    ]
    upgraded = forwarded(sent, _EVE, "192.0.2.7", upgrade=True)
    assert (upgraded["Connection"], upgraded["Upgrade"]) == ("Upgrade", "websocket")


def test_no_header_of_a_client_counts_as_a_front_proxys() -> None:
    sent = [("X-Remote-Uid", "7"), ("X-Who", "root"), ("X-Extra-Scope", "all"), ("X-Mine", "1")]
    headers = forwarded(sent, UserInfo("eve"), "192.0.2.7", trusted=("x-who", "x-extra-"))
    assert sorted(headers) == ["X-Forwarded-For", "X-Mine", "X-Remote-User"]


def test_discovery_of_servers_that_know_only_the_old_form() -> None:
    listed = {
        "kind": "APIResourceList",
        "resources": [
            {"name": "nodes", "singularName": "node", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get"],
             "shortNames": ["no"]},
            {"name": "nodes/scale", "namespaced": False, "kind": "Scale", "group": "autoscaling", "version": "v1",
             "verbs": ["get"]},
            {"name": "lost/status", "namespaced": False, "kind": "Lost", "verbs": ["get"]},
        ],
    }  # fmt: skip
    assert discovery.from_resources(listed, "metrics.k8s.io", "v1") == {
        "version": "v1",
        "freshness": "Current",
        "resources": [
            {
                "resource": "nodes",
                "responseKind": {"group": "metrics.k8s.io", "version": "v1", "kind": "NodeMetrics"},
                "scope": "Cluster",
                "singularResource": "node",
                "verbs": ["get"],
                "shortNames": ["no"],
                "subresources": [
                    {
                        "subresource": "scale",
                        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                        "verbs": ["get"],
                    }
                ],
            }
        ],
    }


def test_discovery_in_the_new_form_and_what_is_stale() -> None:
    version = {"version": "v1", "resources": [{"resource": "nodes"}]}
    listed = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "g"}, "versions": [version]}]}
    found = discovery.in_list(listed, "g", "v1")
    assert found == {**version, "freshness": "Current"}
    assert discovery.in_list(listed, "g", "v2") is None
    assert discovery.in_list({"kind": "APIGroupList"}, "g", "v1") is None
    assert discovery.stale(found, "v1") == {**version, "freshness": "Stale"}
    assert discovery.stale(None, "v1") == {"version": "v1", "freshness": "Stale"}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def test_a_group_version_keeps_its_paths_and_what_they_need() -> None:
    spec = {
        "paths": {
            "/apis/g/v1/": {},
            "/apis/g/v1/things": {"get": {"schema": _reference("Thing")}},
            "/apis/g/v10/": {},
            "/version": {"get": {"schema": _reference("Version")}},
        },
        "definitions": {
            "Thing": {"properties": {"part": _reference("Part")}},
            "Part": {"type": "string"},
            "Version": {},
        },
    }
    found = openapi.of_group_version(spec, "/apis/g/v1")
    assert sorted(found["paths"]) == ["/apis/g/v1/", "/apis/g/v1/things"]
    assert sorted(found["definitions"]) == ["Part", "Thing"]


def test_parameters_that_paths_share_are_written_out() -> None:
    limit, dry = {"in": "query", "name": "limit", "type": "integer"}, {"in": "query", "name": "dryRun"}
    refers, unknown = {"$ref": "#/parameters/limit-1"}, {"$ref": "#/parameters/gone"}
    body = {"in": "body", "name": "body", "schema": {"properties": {"parameters": _reference("Thing")}}}
    spec = {
        "paths": {"/apis/g/v1/things": {"get": {"parameters": [refers, dry, body]}, "parameters": [refers, unknown]}},
        "parameters": {"limit-1": limit},
        "definitions": {"Thing": {}},
    }
    found = openapi.of_group_version(spec, "/apis/g/v1")
    things = found["paths"]["/apis/g/v1/things"]
    assert things == {"get": {"parameters": [limit, dry, body]}, "parameters": [limit, unknown]}
    assert list(found["definitions"]) == ["Thing"]


def test_definitions_of_the_same_name_get_another_one_where_they_differ() -> None:
    local = {"paths": {"/a": {}}, "definitions": {"Same": {"type": "string"}, "Thing": {"type": "integer"}}}
    remote = {
        "paths": {"/a": {"get": {}}, "/b": {"get": {"schema": _reference("Thing"), "list": [_reference("Same")]}}},
        "definitions": {"Same": {"type": "string"}, "Thing": {"properties": {"me": _reference("Thing")}}},
    }
    merged = openapi.merged(local, {("g", "v1"): remote})
    assert merged["paths"]["/a"] == {}
    assert merged["paths"]["/b"]["get"] == {"schema": _reference("Thing_v2"), "list": [_reference("Same")]}
    assert merged["definitions"]["Thing"] == {"type": "integer"}
    assert merged["definitions"]["Thing_v2"] == {"properties": {"me": _reference("Thing_v2")}}
    assert remote["definitions"]["Thing"] == {"properties": {"me": _reference("Thing")}}, "what came in stays as it is"
