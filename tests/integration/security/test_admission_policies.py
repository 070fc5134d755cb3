"""ValidatingAdmissionPolicies on a server that has them on: denied, warned of, audited, parametrized."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.resources import ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS, CONFIG_MAPS, NAMESPACES
from apimachinery.errors import ApiError, Forbidden, Invalid
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess

_FLAGS = (
    "--feature-gates=ValidatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    async with ApiServerProcess(tmp_path, *_FLAGS) as running:
        yield running


@pytest.fixture
async def admin(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    async with server.client() as client:
        yield client


def policy(name: str, *validations: Object, resource: str = "configmaps", group: str = "", **spec: Any) -> Object:
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
    body = {"matchConstraints": {"resourceRules": [rule]}, "validations": list(validations), **spec}
    return {
        "apiVersion": ADMISSION_POLICIES.api_version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": body,
    }


def binding(name: str, *actions: str, **spec: Any) -> Object:
    return {
        "apiVersion": ADMISSION_POLICY_BINDINGS.api_version,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{name}-binding"},
        "spec": {"policyName": name, "validationActions": list(actions or ("Deny",)), **spec},
    }


def config_map(name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def enforce(admin: RestClient, made: Object, *actions: str, **spec: Any) -> None:
    await admin.create(ADMISSION_POLICIES, made)
    await admin.create(ADMISSION_POLICY_BINDINGS, binding(made["metadata"]["name"], *actions, **spec))


async def test_what_a_policy_denies(admin: RestClient) -> None:
    rules = (
        {"expression": "object.spec.replicas <= variables.most"},
        {"expression": "object.metadata.name != 'odd'", "reason": "Forbidden",
         "messageExpression": "'no ' + object.metadata.name"},
    )  # fmt: skip
    variables = [{"name": "most", "expression": "has(object.metadata.labels) ? 9 : 5"}]
    await enforce(admin, policy("few", *rules, resource="deployments", group="apps", variables=variables))

    def deployment(name: str, replicas: int) -> Object:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template}
        metadata = {"name": name, "namespace": "default"}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    assert await admin.create(DEPLOYMENTS, deployment("a", 5))
    with pytest.raises(Invalid) as raised:
        await admin.create(DEPLOYMENTS, deployment("b", 6))
    assert raised.value.message == (
        "deployments.apps \"b\" is forbidden: ValidatingAdmissionPolicy 'few' with binding 'few-binding' denied "
        "request: failed expression: object.spec.replicas <= variables.most"
    )
    with pytest.raises(Forbidden, match="denied request: no odd"):
        await admin.create(DEPLOYMENTS, deployment("odd", 1))
    with pytest.raises(Invalid):
        await admin.patch(DEPLOYMENTS, "default", "a", {"spec": {"replicas": 6}}, patch_type="merge")
    await admin.delete(ADMISSION_POLICY_BINDINGS, "", "few-binding")
    assert await admin.create(DEPLOYMENTS, deployment("b", 6))


async def test_policies_that_make_no_sense(admin: RestClient) -> None:
    wrong = policy("wrong", {"expression": "object.x +"}, {"expression": "request.absent == 1"}, {"expression": "1"})
    with pytest.raises(Invalid) as raised:
        await admin.create(ADMISSION_POLICIES, wrong)
    causes = [cause["message"] for cause in (raised.value.details or {})["causes"]]
    assert "Syntax error" in causes[0]
    assert "undefined field 'absent'" in causes[1]
    assert causes[2].endswith("must evaluate to bool")
    with pytest.raises(Invalid, match="must not contain both Deny and Warn"):
        await admin.create(ADMISSION_POLICY_BINDINGS, binding("x", "Deny", "Warn"))


async def test_warnings_do_not_refuse(server: ApiServerProcess, admin: RestClient) -> None:
    await enforce(admin, policy("soft", {"expression": "false", "message": "better not"}), "Warn", "Audit")
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    url = f"https://127.0.0.1:{server.port}{CONFIG_MAPS.path('default')}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=config_map("a"), ssl=False) as response,
    ):
        assert response.status == 201
        text = "Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft-binding': better not"
        assert response.headers.getall("Warning") == [f'299 - "{text}"']


async def test_parameters_come_from_objects(admin: RestClient) -> None:
    rule = {"expression": "params.data.longest == string(size(object.data)) || size(object.data) < 2"}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    condition = {"name": "not-the-limit", "expression": "object.metadata.name != 'limit'"}
    made = policy("sized", rule, paramKind=kind, matchConditions=[condition])
    ref = {"name": "limit", "parameterNotFoundAction": "Deny"}
    await enforce(admin, made, paramRef=ref)
    with pytest.raises(ApiError, match="no params found for policy binding with `Deny` parameterNotFoundAction"):
        await admin.create(CONFIG_MAPS, config_map("a", x="1"))
    await admin.delete(ADMISSION_POLICY_BINDINGS, "", "sized-binding")
    await admin.create(CONFIG_MAPS, config_map("limit", longest="2"))
    await admin.create(ADMISSION_POLICY_BINDINGS, binding("sized", paramRef=ref))
    assert await admin.create(CONFIG_MAPS, config_map("a", x="1", y="2"))
    with pytest.raises(Invalid, match="denied request: failed expression"):
        await admin.create(CONFIG_MAPS, config_map("b", x="1", y="2", z="3"))


async def test_faults_count_as_the_failure_policy_says(admin: RestClient) -> None:
    fault = {"expression": "object.data.absent == 'x'"}
    await enforce(admin, policy("lax", fault, failurePolicy="Ignore"))
    assert await admin.create(CONFIG_MAPS, config_map("a", x="1"))
    await enforce(admin, policy("strict", fault))
    with pytest.raises(Invalid, match=r"expression 'object.data.absent == 'x'' resulted in error: no such key: absent"):
        await admin.create(CONFIG_MAPS, config_map("b", x="1"))


async def test_namespaces_choose_by_their_labels(admin: RestClient) -> None:
    made = policy("closed", {"expression": "namespaceObject.metadata.name == 'never'"})
    match = {"namespaceSelector": {"matchLabels": {"closed": "yes"}}}
    await enforce(admin, made, matchResources=match)
    assert await admin.create(CONFIG_MAPS, config_map("a"))
    await admin.patch(NAMESPACES, "", "default", {"metadata": {"labels": {"closed": "yes"}}}, patch_type="merge")
    with pytest.raises(Invalid, match="'closed'"):
        await admin.create(CONFIG_MAPS, config_map("b"))
