"""What a running server tells of itself: metrics by the reference's names, and health checks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[RestClient]:
    """Of a server on etcd that has just done a little of everything."""
    etcd = EtcdServer(tmp_path)
    await asyncio.to_thread(etcd.start)
    try:
        flags = ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}")
        async with ApiServerProcess(tmp_path, *flags) as server, server.client() as client:
            await client.create(CONFIG_MAPS, {"metadata": {"name": "one", "namespace": "default"}})
            await client.get(CONFIG_MAPS, "default", "one")
            await client.list(CONFIG_MAPS, "default")
            async for _ in client.watch(CONFIG_MAPS, "default", resource_version="0"):
                break
            assert (await client.raw("GET", "/apis/flowcontrol.apiserver.k8s.io/v1beta2/flowschemas"))[0] == 200
            assert (await client.raw("GET", "/apis/nobody.example.com/v1/things"))[0] == 404
            yield client
    finally:
        etcd.kill()


async def test_metrics_of_what_was_done(api: RestClient) -> None:
    async with asyncio.timeout(20):
        while True:  # some are counted from time to time
            text = (await api.raw("GET", "/metrics"))[1].decode()
            if 'apiserver_storage_objects{resource="configmaps"}' in text and "apiserver_storage_size_bytes{" in text:
                break
            await asyncio.sleep(0.05)

    def value(sample: str) -> float:
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        assert found is not None, f"{sample} is not there"
        return float(found[1])

    get = 'component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="GET"'
    assert value(f'apiserver_request_total{{code="200",{get},version="v1"}}') == 1
    assert value(f'apiserver_request_duration_seconds_count{{{get},version="v1"}}') == 1
    post = get.replace('"GET"', '"POST"').replace('"resource"', '"namespace"')
    assert value(f'apiserver_request_total{{code="201",{post},version="v1"}}') == 1
    assert "nobody.example.com" not in text  # or anybody could make the server count without end
    assert value('apiserver_watch_events_total{group="",kind="ConfigMap",version="v1"}') >= 1
    assert value('apiserver_watch_cache_events_received_total{resource="configmaps"}') >= 1
    assert value('etcd_requests_total{operation="create",type="configmaps"}') >= 1
    assert value('authenticated_user_requests{username="admin"}') > 3
    assert value('authentication_attempts{result="success"}') > 3
    assert value('authorization_attempts_total{result="allowed"}') > 3
    assert value('kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.96.0.0/12"}') == 1
    assert value("kube_apiserver_nodeport_allocator_allocated_ports") == 0
    assert value("kube_apiserver_nodeport_allocator_available_ports") == 2768
    old = 'resource="flowschemas",subresource="",version="v1beta2"'
    flow = "flowcontrol.apiserver.k8s.io"
    assert value(f'apiserver_requested_deprecated_apis{{group="{flow}",removed_release="1.29",{old}}}') == 1
    assert value('apiserver_cache_list_total{index="",resource_prefix="/configmaps"}') == 1
    assert value('apiserver_cache_list_returned_objects_total{resource_prefix="/configmaps"}') == 1
    assert value('apiserver_storage_list_total{resource="configmaps"}') >= 1
    assert value('apiserver_init_events_total{resource="configmaps"}') == 1
    assert value('apiserver_request_filter_duration_seconds_count{filter="authorization"}') > 3
    assert value('field_validation_request_duration_seconds_count{field_validation=""}') == 1
    assert value('authentication_token_cache_request_total{status="miss"}') >= 1
    create = 'operation="CREATE",rejected="false",type="admit"'
    assert value(f"apiserver_admission_step_admission_duration_seconds_count{{{create}}}") >= 1
    plugin = f'name="NamespaceLifecycle",{create}'
    assert value(f"apiserver_admission_controller_admission_duration_seconds_count{{{plugin}}}") >= 1
    unary = 'grpc_method="Txn",grpc_service="etcdserverpb.KV",grpc_type="unary"'
    assert value(f"grpc_client_started_total{{{unary}}}") == value(
        f'grpc_client_handled_total{{grpc_code="OK",{unary}}}'
    )
    static = 'cidr="10.96.0.0/12",scope="static"'
    assert value(f"kube_apiserver_clusterip_allocator_allocation_total{{{static}}}") == 1
    seats = 'flow_schema="exempt",priority_level="exempt"'
    assert value(f"apiserver_flowcontrol_work_estimated_seats_count{{{seats}}}") > 3
    assert value('apiserver_current_inqueue_requests{request_kind="readOnly"}') == 0
    for name in (
        "apiserver_request_sli_duration_seconds", "apiserver_response_sizes", "apiserver_watch_events_sizes",
        "etcd_request_duration_seconds", "authentication_duration_seconds", "authorization_duration_seconds",
    ):  # fmt: skip
        assert f"{name}_bucket{{" in text
    for name in ("watch_cache_capacity", "apiserver_current_inflight_requests", "process_resident_memory_bytes"):
        assert re.search(rf"^{name}[ {{]", text, re.MULTILINE)


async def test_health_checks_by_name(api: RestClient) -> None:
    _, body = await api.raw("GET", "/readyz?verbose&exclude=etcd&exclude=nothing")
    lines = body.decode().splitlines()
    assert "[+]etcd excluded: ok" in lines
    assert "[+]poststarthook/crd-informer-synced ok" in lines
    assert "[+]autoregister-completion ok" in lines
    assert lines[-1] == "readyz check passed"
    assert (await api.raw("GET", "/livez/poststarthook/priority-and-fairness-filter")) == (200, b"ok")
