"""Admission webhooks: a real HTTPS server that changes, refuses and fails."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from api.resources import (
    CONFIG_MAPS,
    HORIZONTAL_POD_AUTOSCALERS,
    MUTATING_WEBHOOKS,
    SERVICES,
    VALIDATING_WEBHOOKS,
)
from apimachinery.errors import ApiError, Forbidden, InternalError, Invalid
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess
from tests.webhook_server import webhook_server

JSON = {"Content-Type": "application/json"}


class Webhooks:
    """What is asked under /add, /deny, /warn, /label and /break."""

    def __init__(self) -> None:
        self.asked: list[Object] = []
        self.port = 0
        self.bundle = ""
        self.client_config: Callable[[str], Object] = lambda path: {}

    async def answer(self, path: str, review: Object) -> Object | web.Response:
        self.asked.append(review["request"])
        response: Object = {"uid": review["request"]["uid"], "allowed": True}
        if path == "/add":
            data = review["request"]["object"].get("data") or {}
            response |= patch({"op": "add", "path": "/data", "value": {**data, f"added{len(data)}": "x"}})
            response |= {"warnings": ["it was changed"], "auditAnnotations": {"size": str(len(data))}}
        elif path == "/label":
            response |= patch({"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}})
        elif path == "/init":
            added = {"name": "added", "image": "i"}
            response |= patch({"op": "add", "path": "/template/spec/initContainers", "value": [added]})
        elif path == "/deny":
            response |= {"allowed": False, "status": {"message": "not today", "code": 418}}
        elif path == "/warn":
            response |= {"warnings": ["think again"]}
        else:
            return web.Response(status=503)
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

    def configuration(self, resource: Resource, name: str, *paths: str, **fields: Any) -> Object:
        common = {
            "rules": [rule("", "v1", "configmaps")], "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "objectSelector": {"matchLabels": {"hook": name}}, **fields,
        }  # fmt: skip
        hooks = [
            {**common, "name": f"{path}.{index}.example.com",
             "clientConfig": self.client_config(path)}
            for index, path in enumerate(paths)
        ]  # fmt: skip
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name},
            "webhooks": hooks,
        }


def rule(group: str, version: str, resource: str, *operations: str) -> Object:
    listed = list(operations or ("CREATE",))
    return {"operations": listed, "apiGroups": [group], "apiVersions": [version], "resources": [resource]}


def patch(*operations: Object) -> Object:
    return {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(operations)).decode()}


@pytest.fixture
async def webhooks(tmp_path: Path) -> AsyncIterator[Webhooks]:
    answering = Webhooks()
    async with webhook_server(tmp_path, answering.answer, "hook.default.svc") as server:
        answering.client_config = server.client_config
        answering.port, answering.bundle = server.port, server.ca_bundle
        yield answering


def config_map(name: str, hook: str) -> Object:
    metadata = {"name": name, "namespace": "default", "labels": {"hook": hook}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def test_mutating_webhooks_change_in_order_and_again_where_asked(admin: RestClient, webhooks: Webhooks) -> None:
    await admin.create(MUTATING_WEBHOOKS, webhooks.configuration(MUTATING_WEBHOOKS, "once", "add", "add"))
    made = await admin.create(CONFIG_MAPS, config_map("a", "once"))
    assert made["data"] == {"added0": "x", "added1": "x"}
    assert [request["operation"] for request in webhooks.asked] == ["CREATE", "CREATE"]
    assert webhooks.asked[0]["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert webhooks.asked[0]["userInfo"]["username"] == "admin"
    again = webhooks.configuration(MUTATING_WEBHOOKS, "again", "add", "add", reinvocationPolicy="IfNeeded")
    await admin.create(MUTATING_WEBHOOKS, again)
    made = await admin.create(CONFIG_MAPS, config_map("b", "again"))
    # The first is asked again for what the second did, and then the second for what the first did then.
    assert made["data"] == {"added0": "x", "added1": "x", "added2": "x", "added3": "x"}
    assert await admin.create(CONFIG_MAPS, config_map("c", "other"))


async def test_validating_webhooks_refuse(admin: RestClient, webhooks: Webhooks) -> None:
    await admin.create(VALIDATING_WEBHOOKS, webhooks.configuration(VALIDATING_WEBHOOKS, "no", "warn", "deny"))
    with pytest.raises(ApiError) as raised:
        await admin.create(CONFIG_MAPS, config_map("a", "no"))
    assert raised.value.http_code == 418
    assert raised.value.message == 'admission webhook "deny.1.example.com" denied the request: not today'


async def test_a_webhook_that_fails(admin: RestClient, webhooks: Webhooks) -> None:
    strict = webhooks.configuration(VALIDATING_WEBHOOKS, "strict", "break")
    lax = webhooks.configuration(VALIDATING_WEBHOOKS, "lax", "break", failurePolicy="Ignore")
    await admin.create(VALIDATING_WEBHOOKS, strict)
    await admin.create(VALIDATING_WEBHOOKS, lax)
    with pytest.raises(InternalError, match=r'failed calling webhook "break\.0\.example\.com"'):
        await admin.create(CONFIG_MAPS, config_map("a", "strict"))
    await admin.create(CONFIG_MAPS, config_map("a", "lax"))


async def test_match_conditions_decide_whether_a_webhook_is_called(admin: RestClient, webhooks: Webhooks) -> None:
    conditions = [
        {"name": "not-mine", "expression": "request.userInfo.username != 'nobody'"},
        {"name": "marked", "expression": "object.metadata.name.startsWith('m-')"},
        {"name": "may", "expression": "authorizer.group('').resource('configmaps').namespace('default')"
         ".check('delete').allowed()"},
    ]  # fmt: skip
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "some", "deny", matchConditions=conditions)
    await admin.create(VALIDATING_WEBHOOKS, hook)
    assert await admin.create(CONFIG_MAPS, config_map("a", "some"))
    with pytest.raises(ApiError, match="denied the request: not today"):
        await admin.create(CONFIG_MAPS, config_map("m-a", "some"))
    broken = [{"name": "broken", "expression": "object.data.absent == 'x'"}]
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "strict", "deny", matchConditions=broken)
    await admin.create(VALIDATING_WEBHOOKS, hook)
    with pytest.raises(Forbidden, match=r"expression 'object.data.absent == 'x'' resulted in error: no such key: data"):
        await admin.create(CONFIG_MAPS, config_map("b", "strict"))
    wrong = [{"name": "wrong", "expression": "request.nothing"}]
    with pytest.raises(Invalid, match=r"matchConditions\[0\]\.expression.*undefined field 'nothing'"):
        await admin.create(
            VALIDATING_WEBHOOKS, webhooks.configuration(VALIDATING_WEBHOOKS, "bad", "deny", matchConditions=wrong)
        )


async def test_a_webhook_for_another_version_sees_that_one(admin: RestClient, webhooks: Webhooks) -> None:
    rules = [rule("autoscaling", "v2", "horizontalpodautoscalers")]
    hook = webhooks.configuration(MUTATING_WEBHOOKS, "scalers", "label", rules=rules, objectSelector={})
    await admin.create(MUTATING_WEBHOOKS, hook)
    v1 = Resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": "default"},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": {"kind": "D", "name": "d"}},
    }
    made = await admin.create(v1, scaler)
    (asked,) = webhooks.asked
    assert (asked["kind"]["version"], asked["requestKind"]["version"]) == ("v2", "v1")
    assert (asked["resource"]["version"], asked["requestResource"]["version"]) == ("v2", "v1")
    assert asked["object"]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert (made["apiVersion"], made["metadata"]["labels"]) == ("autoscaling/v1", {"seen": "yes"})
    assert made["spec"]["targetCPUUtilizationPercentage"] == 50
    webhooks.asked.clear()
    exact = webhooks.configuration(
        MUTATING_WEBHOOKS, "exact", "label", rules=rules, objectSelector={}, matchPolicy="Exact"
    )
    await admin.delete(MUTATING_WEBHOOKS, "", "scalers")
    await admin.create(MUTATING_WEBHOOKS, exact)
    scaler["metadata"] = {"name": "i", "namespace": "default"}
    await admin.create(v1, scaler)
    assert webhooks.asked == []
    await admin.create(HORIZONTAL_POD_AUTOSCALERS, {
        **scaler, "apiVersion": "autoscaling/v2", "metadata": {"name": "j", "namespace": "default"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "D", "name": "d"}},
    })  # fmt: skip
    assert [request["name"] for request in webhooks.asked] == ["j"]


async def test_a_webhook_behind_a_service(server: ApiServerProcess, admin: RestClient, webhooks: Webhooks) -> None:
    reference = {"name": "hook", "namespace": "default", "path": "/deny", "port": webhooks.port}
    config = {"service": reference, "caBundle": webhooks.bundle}
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "service", "deny")
    hook["webhooks"][0]["clientConfig"] = config
    await admin.create(VALIDATING_WEBHOOKS, hook)
    url = f"https://hook.default.svc:{webhooks.port}/deny"
    with pytest.raises(InternalError) as raised:
        await admin.create(CONFIG_MAPS, config_map("a", "service"))
    assert raised.value.message.endswith(f'failed to call webhook: Post "{url}?timeout=10s": service "hook" not found')
    ports = [{"port": webhooks.port}]
    spec = {"type": "ExternalName", "externalName": "127.0.0.1", "ports": ports}
    metadata = {"name": "hook", "namespace": "default"}
    await admin.create(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    with pytest.raises(ApiError, match="denied the request: not today"):
        await admin.create(CONFIG_MAPS, config_map("a", "service"))


async def test_a_certificate_that_nobody_trusts(admin: RestClient, webhooks: Webhooks) -> None:
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "distrust", "deny")
    del hook["webhooks"][0]["clientConfig"]["caBundle"]
    await admin.create(VALIDATING_WEBHOOKS, hook)
    with pytest.raises(InternalError, match="x509: certificate signed by unknown authority"):
        await admin.create(CONFIG_MAPS, config_map("a", "distrust"))


async def test_where_no_bundle_is_given_the_systems_authorities_are_trusted(
    tmp_path: Path, webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(base64.b64decode(webhooks.bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "trust", "deny")
    del hook["webhooks"][0]["clientConfig"]["caBundle"]
    async with ApiServerProcess(tmp_path) as server, server.client() as admin:
        await admin.create(VALIDATING_WEBHOOKS, hook)
        with pytest.raises(ApiError, match="denied the request: not today"):
            await admin.create(CONFIG_MAPS, config_map("a", "trust"))


async def test_what_webhooks_warn_of_reaches_the_client(
    server: ApiServerProcess, admin: RestClient, webhooks: Webhooks
) -> None:
    await admin.create(MUTATING_WEBHOOKS, webhooks.configuration(MUTATING_WEBHOOKS, "w", "add"))
    await admin.create(VALIDATING_WEBHOOKS, webhooks.configuration(VALIDATING_WEBHOOKS, "w", "warn", "deny"))
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    url = f"https://127.0.0.1:{server.port}{CONFIG_MAPS.path('default')}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=config_map("a", "w"), ssl=False) as response,
    ):
        assert response.status == 418
        assert response.headers.getall("Warning") == ['299 - "it was changed"', '299 - "think again"']


async def test_a_dry_run_needs_webhooks_without_effects(admin: RestClient, webhooks: Webhooks) -> None:
    await admin.create(MUTATING_WEBHOOKS, webhooks.configuration(MUTATING_WEBHOOKS, "dry", "add"))
    path = CONFIG_MAPS.path("default") + "?dryRun=All"
    status, body = await admin.raw("POST", path, body=orjson.dumps(config_map("a", "dry")), headers=JSON)
    assert status == 201
    assert webhooks.asked[0]["dryRun"] is True
    assert b"added0" in body


async def test_what_a_webhook_leaves_out_is_defaulted(admin: RestClient, webhooks: Webhooks) -> None:
    hook = webhooks.configuration(
        MUTATING_WEBHOOKS, "init", "init", rules=[rule("", "v1", "podtemplates")], objectSelector={}
    )
    await admin.create(MUTATING_WEBHOOKS, hook)
    templates = Resource("", "v1", "podtemplates", "PodTemplate")
    spec = {"containers": [{"name": "c", "image": "i"}]}
    template = {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "t", "namespace": "default"},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec},
    }
    made = await admin.create(templates, template)
    (added,) = made["template"]["spec"]["initContainers"]
    assert (added["name"], added["terminationMessagePolicy"]) == ("added", "File")


async def test_connections_are_admitted(admin: RestClient, webhooks: Webhooks) -> None:
    rules = [rule("", "v1", "pods/attach", "CONNECT"), rule("", "v1", "services/proxy", "CONNECT")]
    hook = webhooks.configuration(VALIDATING_WEBHOOKS, "connect", "deny", rules=rules, objectSelector={})
    await admin.create(VALIDATING_WEBHOOKS, hook)
    path = "/api/v1/namespaces/default/pods/a/attach?stdin=true&stdout=true&container=c"
    status, body = await admin.raw("POST", path)
    assert (status, orjson.loads(body)["message"]) == (
        418,
        'admission webhook "deny.0.example.com" denied the request: not today',
    )
    (asked,) = webhooks.asked
    assert asked["operation"] == "CONNECT"
    assert asked["object"] == {
        "kind": "PodAttachOptions", "apiVersion": "v1", "stdin": True, "stdout": True, "container": "c",
    }  # fmt: skip
    assert (asked["subResource"], asked["kind"]["kind"], asked["options"]) == ("attach", "PodAttachOptions", None)
    status, _ = await admin.raw("GET", "/api/v1/namespaces/default/services/s/proxy/x")
    assert status == 418
    assert webhooks.asked[1]["object"] == {"kind": "ServiceProxyOptions", "apiVersion": "v1", "path": "/x"}
