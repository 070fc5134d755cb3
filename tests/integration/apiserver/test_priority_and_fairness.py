"""Priority and fairness on a running server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from api.resources import FLOW_SCHEMAS, PRIORITY_LEVELS
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, USER_TOKEN, ApiServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_answers_name_schema_and_level(server: ApiServerProcess, api: RestClient) -> None:
    schemas = {obj["metadata"]["name"]: obj["metadata"]["uid"] for obj in (await api.list(FLOW_SCHEMAS))["items"]}
    levels = {obj["metadata"]["name"]: obj["metadata"]["uid"] for obj in (await api.list(PRIORITY_LEVELS))["items"]}
    async with aiohttp.ClientSession(base_url=f"https://127.0.0.1:{server.port}") as http:
        for token, path, schema, level in (
            (ADMIN_TOKEN, "/api/v1/namespaces", "exempt", "exempt"),
            (USER_TOKEN, "/api/v1/namespaces", "global-default", "global-default"),  # though it is forbidden
            (USER_TOKEN, "/healthz", "probes", "exempt"),
        ):
            async with http.get(path, ssl=False, headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.headers["X-Kubernetes-PF-FlowSchema-UID"] == schemas[schema]
                assert answer.headers["X-Kubernetes-PF-PriorityLevel-UID"] == levels[level]


async def test_schemas_say_whether_their_level_exists(api: RestClient) -> None:
    spec = {"priorityLevelConfiguration": {"name": "nowhere"}, "matchingPrecedence": 7000}
    await api.create(FLOW_SCHEMAS, {"metadata": {"name": "lost"}, "spec": spec})
    async with asyncio.timeout(10):
        async for event in api.watch(FLOW_SCHEMAS, resource_version="0"):
            conditions = event.object.get("status", {}).get("conditions") or [{}]
            if event.object["metadata"]["name"] == "lost" and conditions[0].get("type") == "Dangling":
                assert conditions[0]["status"] == "True"
                break
    _, body = await api.raw("GET", "/debug/api_priority_and_fairness/dump_priority_levels")
    assert {line.split(",")[0] for line in body.decode().splitlines()[1:]} >= {"exempt", "catch-all", "system"}
    _, metrics = await api.raw("GET", "/metrics")
    assert b'apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"}' in metrics
    assert b'apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 245\n' in metrics


async def test_without_it_requests_are_counted_alone(tmp_path: Path) -> None:
    async with ApiServerProcess(tmp_path, "--enable-priority-and-fairness=false") as server, server.client() as api:
        status, _ = await api.raw("GET", "/debug/api_priority_and_fairness/dump_queues")
        assert status == 404
        assert b"apiserver_flowcontrol_current_limit_seats" not in (await api.raw("GET", "/metrics"))[1]
