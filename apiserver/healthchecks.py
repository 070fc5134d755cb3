"""The checks of /healthz, /livez and /readyz."""

from __future__ import annotations

import asyncio

from apiserver.storage.interface import Storage
from apiserver.watchcache.feed import Feed
from component.health import HealthChecks
from component.process import Process

#: What is done once at start, before the server is ready; named as the reference names it.
_START_HOOKS = (
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "start-system-namespaces-controller",
    "bootstrap-controller",
    "generic-apiserver-start-informers",
    "start-kube-apiserver-admission-initializer",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-cluster-authentication-info-controller",
    "start-legacy-token-tracking-controller",
    "start-kube-aggregator-informers",
    "apiservice-registration-controller",
    "apiservice-status-available-controller",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
    "storage-object-count-tracker-hook",
)
_FLOW_HOOKS = (
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-config-producer",
    "priority-and-fairness-filter",
)


def health_checks(
    storage: Storage, feed: Feed, process: Process, started: asyncio.Event, *, flow: bool
) -> dict[str, HealthChecks]:
    """The checks of each endpoint; `started`: after what is done once at start; `flow`: with priority and fairness."""

    async def etcd() -> str | None:
        await storage.current_revision()
        return None

    def hook() -> str | None:
        return None if started.is_set() else "not finished"

    checks = {"healthz": process.health, "livez": HealthChecks(), "readyz": HealthChecks()}
    for endpoint in checks.values():
        endpoint.add("log", lambda: None)
        endpoint.add("etcd", etcd)
        for name in (*_START_HOOKS, *(_FLOW_HOOKS if flow else ())):
            endpoint.add(f"poststarthook/{name}", hook)
        endpoint.add("autoregister-completion", hook)
    checks["readyz"].add("etcd-readiness", etcd)
    checks["readyz"].add("informer-sync", lambda: None if feed.revision else "caches are not filled yet")
    checks["readyz"].add("shutdown", lambda: "shutting down" if process.stopping.is_set() else None)
    return checks
