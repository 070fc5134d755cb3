"""Admission webhooks: a real HTTPS server that changes, refuses and fails."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from api.resources import CONFIG_MAPS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS
from apimachinery.errors import ApiError, InternalError
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from component.selfsigned import self_signed
from tests.ports import free_port


class Webhooks:
    """What is asked under /add, /deny and /break."""

    def __init__(self, port: int, bundle: bytes) -> None:
        self.asked: list[Object] = []
        self._url = f"https://127.0.0.1:{port}"
        self._bundle = base64.b64encode(bundle).decode()

    async def answer(self, request: web.Request) -> web.Response:
        review = orjson.loads(await request.read())
        self.asked.append(review["request"])
        response: Object = {"uid": review["request"]["uid"], "allowed": True}
        if request.path == "/add":
            data = review["request"]["object"].get("data") or {}
            patch = [{"op": "add", "path": "/data", "value": {**data, f"added{len(data)}": "x"}}]
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(patch)).decode()}
        elif request.path == "/deny":
            response |= {"allowed": False, "status": {"message": "not today", "code": 418}}
        elif request.path == "/warn":
            response |= {"warnings": ["think again"]}
        else:
            return web.Response(status=503)
        answered = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return web.Response(body=orjson.dumps(answered), content_type="application/json")

    def configuration(self, resource: Resource, name: str, *paths: str, **fields: Any) -> Object:
        rules = [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}]
        common = {
            "rules": rules, "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "objectSelector": {"matchLabels": {"hook": name}}, **fields,
        }  # fmt: skip
        hooks = [
            {**common, "name": f"{path}.{index}.example.com",
             "clientConfig": {"url": f"{self._url}/{path}", "caBundle": self._bundle}}
            for index, path in enumerate(paths)
        ]  # fmt: skip
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name},
            "webhooks": hooks,
        }


@pytest.fixture
async def webhooks(tmp_path: Path) -> AsyncIterator[Webhooks]:
    certificate, key = self_signed("webhook", ["127.0.0.1"])
    (tmp_path / "hook.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "hook.pem")
    port = free_port()
    served = Webhooks(port, certificate)
    app = web.Application()
    app.router.add_post("/{tail:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    yield served
    await runner.cleanup()


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
