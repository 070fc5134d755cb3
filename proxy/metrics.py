"""kube-proxy's metrics under the reference's names."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = tuple(0.001 * 2**power for power in range(15))

SYNC_SECONDS = Histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", buckets=_BUCKETS
)
FULL_SYNC_SECONDS = Histogram(
    "kubeproxy_sync_full_proxy_rules_duration_seconds", "SyncProxyRules latency of full syncs", buckets=_BUCKETS
)
PARTIAL_SYNC_SECONDS = Histogram(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds", "SyncProxyRules latency of partial syncs", buckets=_BUCKETS
)
LAST_SYNC = Gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time the rules were synced")
LAST_QUEUED = Gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "The last time a sync of the rules was queued"
)
RESTORE_FAILURES = Counter("kubeproxy_sync_proxy_rules_iptables_restore_failures", "Restores that failed")
RULES = Gauge("kubeproxy_sync_proxy_rules_iptables_total", "Rules that the proxy owns", ["table"])
SERVICE_CHANGES = Counter("kubeproxy_sync_proxy_rules_service_changes", "Service changes taken in")
ENDPOINT_CHANGES = Counter("kubeproxy_sync_proxy_rules_endpoint_changes", "EndpointSlice changes taken in")
