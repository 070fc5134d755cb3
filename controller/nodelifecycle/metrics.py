"""What the node lifecycle controller counts, under the reference's names; `zone` is "region:zone", "" without."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ZONE_HEALTH = Gauge("node_collector_zone_health", "Percentage of nodes of a zone that are ready", ["zone"])
ZONE_SIZE = Gauge("node_collector_zone_size", "Nodes of a zone", ["zone"])
UNHEALTHY_NODES = Gauge("node_collector_unhealthy_nodes_in_zone", "Nodes of a zone that are not ready", ["zone"])
EVICTIONS = Counter("node_collector_evictions_total", "Nodes that were tainted NoExecute", ["zone"])
UPDATE_SECONDS = Histogram(
    "node_collector_update_node_health_duration_seconds",
    "How long the look at one node took",
    buckets=tuple(0.001 * 4**power for power in range(8)),
)
