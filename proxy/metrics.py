"""kube-proxy's metrics under the reference's names (pkg/proxy/metrics in v1.28)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = tuple(0.001 * 2**power for power in range(15))
_PROGRAMMING_BUCKETS = (0.25, 0.5, *range(1, 60), *range(60, 120, 5), *range(120, 301, 30))

SYNC_SECONDS = Histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", buckets=_BUCKETS
)
FULL_SYNC_SECONDS = Histogram(
    "kubeproxy_sync_full_proxy_rules_duration_seconds", "SyncProxyRules latency of full syncs", buckets=_BUCKETS
)
PARTIAL_SYNC_SECONDS = Histogram(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds", "SyncProxyRules latency of partial syncs", buckets=_BUCKETS
)
PROGRAMMING_SECONDS = Histogram(
    "kubeproxy_network_programming_duration_seconds",
    "From the change of a pod or Service until its rules are loaded, in seconds",
    buckets=_PROGRAMMING_BUCKETS,
)
LAST_SYNC = Gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time the rules were synced")
LAST_QUEUED = Gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "The last time a sync of the rules was queued"
)
RESTORE_FAILURES = Counter(
    "kubeproxy_sync_proxy_rules_iptables_restore_failures_total", "Restores of all rules that failed"
)
PARTIAL_RESTORE_FAILURES = Counter(
    "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total", "Restores of changed rules that failed"
)
RULES = Gauge("kubeproxy_sync_proxy_rules_iptables_total", "Rules that the proxy owns", ["table"])
NO_LOCAL_ENDPOINTS = Gauge(
    "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    "Services with a Local traffic policy and no endpoints on this node",
    ["traffic_policy"],
)
SERVICE_CHANGES = Counter("kubeproxy_sync_proxy_rules_service_changes_total", "Service changes taken in")
SERVICE_CHANGES_PENDING = Gauge("kubeproxy_sync_proxy_rules_service_changes_pending", "Service changes that wait")
ENDPOINT_CHANGES = Counter("kubeproxy_sync_proxy_rules_endpoint_changes_total", "EndpointSlice changes taken in")
ENDPOINT_CHANGES_PENDING = Gauge(
    "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "EndpointSlice changes that wait"
)
HEALTHZ = Counter("kubeproxy_proxy_healthz_total", "Answers of /healthz by status code", ["code"])
LIVEZ = Counter("kubeproxy_proxy_livez_total", "Answers of /livez by status code", ["code"])
