"""POST pods/NAME/eviction over HTTP: budgets, preconditions, and the condition that tells why the pod ends."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from api.resources import POD_DISRUPTION_BUDGETS, PODS, SERVICE_ACCOUNTS
from apimachinery.errors import AlreadyExists, Conflict, NotFound, TooManyRequests
from apimachinery.objects import Object
from client.rest import RestClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def make_pod(api: RestClient, name: str, *, ready: str = "", **metadata: Any) -> Object:
    """A pod on a node; `ready` is the status of its Ready condition, "" leaves it pending."""
    with contextlib.suppress(AlreadyExists):
        await api.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "default"}})
    meta = {"name": name, "namespace": "default", **metadata}
    made = await api.create(
        PODS, {"metadata": meta, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}}
    )
    if ready:
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
        made = await api.patch(PODS, "default", name, {"status": status}, patch_type="strategic", subresource="status")
    return made


async def evict(api: RestClient, name: str, **options: Any) -> None:
    eviction = {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"},
        "deleteOptions": options,
    }  # fmt: skip
    await api.create(PODS, eviction, name=name, subresource="eviction")


async def make_budget(api: RestClient, app: str, *, allowed: int, healthy: int) -> None:
    meta = {"name": app, "namespace": "default"}
    made = await api.create(
        POD_DISRUPTION_BUDGETS,
        {"metadata": meta, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": app}}}},
    )
    made["status"] = {
        "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": 2,
        "expectedPods": 2,
    }  # fmt: skip
    await api.update(POD_DISRUPTION_BUDGETS, made, subresource="status")


async def reasons(api: RestClient, name: str) -> list[str]:
    """Of the DisruptionTarget conditions of the pod in deletion."""
    pod = await api.get(PODS, "default", name)
    assert pod["metadata"]["deletionTimestamp"]
    return [c["reason"] for c in pod["status"]["conditions"] if c["type"] == "DisruptionTarget"]


async def test_an_evicted_pod_says_why_it_ends(api: RestClient) -> None:
    await make_pod(api, "runs", ready="True")
    await evict(api, "runs", dryRun=["All"])
    assert "deletionTimestamp" not in (await api.get(PODS, "default", "runs"))["metadata"]
    await evict(api, "runs")
    assert await reasons(api, "runs") == ["EvictionByEvictionAPI"]
    await evict(api, "runs")
    assert await reasons(api, "runs") == ["EvictionByEvictionAPI"]
    await make_pod(api, "pending")
    await evict(api, "pending", gracePeriodSeconds=0)
    with pytest.raises(NotFound):
        await api.get(PODS, "default", "pending")


async def test_preconditions_leave_another_pod_alone(api: RestClient) -> None:
    made = await make_pod(api, "other", ready="True")
    for preconditions in ({"uid": "none"}, {"resourceVersion": "1"}):
        with pytest.raises(Conflict, match="Precondition failed"):
            await evict(api, "other", preconditions=preconditions)
    assert (await api.get(PODS, "default", "other"))["status"] == made["status"]
    await evict(api, "other", preconditions={"resourceVersion": made["metadata"]["resourceVersion"]})
    assert await reasons(api, "other") == ["EvictionByEvictionAPI"]


async def test_the_eviction_of_another_pod_takes_nothing_of_its_budget(api: RestClient) -> None:
    await make_budget(api, "kept", allowed=3, healthy=5)
    await make_pod(api, "kept", ready="True", labels={"app": "kept"})
    for preconditions in ({"uid": "none"}, {"resourceVersion": "1"}):
        with pytest.raises(Conflict, match="Precondition failed"):
            await evict(api, "kept", preconditions=preconditions)
    assert (await api.get(POD_DISRUPTION_BUDGETS, "default", "kept"))["status"]["disruptionsAllowed"] == 3
    await evict(api, "kept")
    assert (await api.get(POD_DISRUPTION_BUDGETS, "default", "kept"))["status"]["disruptionsAllowed"] == 2


async def test_a_spent_budget_guards_ready_pods_and_spares_unready_ones_where_others_are_enough(
    api: RestClient,
) -> None:
    await make_budget(api, "guarded", allowed=0, healthy=2)
    await make_pod(api, "ready", ready="True", labels={"app": "guarded"})
    await make_pod(api, "unready", ready="False", labels={"app": "guarded"})
    with pytest.raises(TooManyRequests):
        await evict(api, "ready")
    await evict(api, "unready")
    assert await reasons(api, "unready") == ["EvictionByEvictionAPI"]
    await make_budget(api, "short", allowed=0, healthy=1)
    await make_pod(api, "needed", ready="False", labels={"app": "short"})
    with pytest.raises(TooManyRequests):
        await evict(api, "needed")
