"""What a URL asks for."""

from __future__ import annotations

import pytest

from apiserver.http.request_info import RequestInfo, of_target


def ask(method: str, target: str) -> RequestInfo:
    return of_target(method, target)[0]


@pytest.mark.parametrize(
    ("method", "target", "verb", "namespace", "resource", "name", "subresource"),
    [
        ("GET", "/api/v1/namespaces", "list", "", "namespaces", "", ""),
        ("GET", "/api/v1/namespaces/a", "get", "a", "namespaces", "a", ""),
        ("PUT", "/api/v1/namespaces/a/finalize", "update", "a", "namespaces", "a", "finalize"),
        ("GET", "/api/v1/namespaces/a/status", "get", "a", "namespaces", "a", "status"),
        ("GET", "/api/v1/pods", "list", "", "pods", "", ""),
        ("GET", "/api/v1/pods?watch=1", "watch", "", "pods", "", ""),
        ("GET", "/api/v1/pods?watch=false", "list", "", "pods", "", ""),
        ("GET", "/api/v1/watch/namespaces/a/pods/b", "watch", "a", "pods", "b", ""),
        ("POST", "/api/v1/namespaces/a/pods", "create", "a", "pods", "", ""),
        ("GET", "/api/v1/namespaces/a/pods/b/log", "get", "a", "pods", "b", "log"),
        ("PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale", "patch", "a", "deployments", "b", "scale"),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection", "a", "deployments", "", ""),
        ("DELETE", "/api/v1/nodes/n", "delete", "", "nodes", "n", ""),
        ("HEAD", "/api/v1/nodes/n", "get", "", "nodes", "n", ""),
        ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", "list", "", "pods", "x", ""),
    ],
)
def test_resource_requests(
    method: str, target: str, verb: str, namespace: str, resource: str, name: str, subresource: str
) -> None:
    info = ask(method, target)
    assert info.is_resource
    assert (info.verb, info.namespace, info.resource, info.name, info.subresource) == (
        verb, namespace, resource, name, subresource,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["/", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/healthz/etcd", "/x"])
def test_everything_else_is_no_resource(target: str) -> None:
    info = ask("GET", target)
    assert not info.is_resource
    assert info.verb == "get"


def test_what_follows_a_proxy_is_kept() -> None:
    assert ask("GET", "/api/v1/nodes/n/proxy/stats/summary").rest == "/stats/summary"


def test_a_path_is_decoded_once() -> None:
    assert ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode").name == "system:node"
