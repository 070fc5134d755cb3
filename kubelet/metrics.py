"""The kubelet's own metrics, under the reference's names; what can be counted when it is asked for is counted then."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kubelet.plan.records import ContainerRecord

STARTED_PODS = Counter("kubelet_started_pods", "Pods whose sandbox was made.")
STARTED_CONTAINERS = Counter("kubelet_started_containers", "Containers that were started.", ["container_type"])
STARTED_CONTAINER_ERRORS = Counter(
    "kubelet_started_containers_errors", "Containers that could not be started.", ["code", "container_type"]
)
POD_START_SECONDS = Histogram(
    "kubelet_pod_start_duration_seconds",
    "Seconds from the kubelet's first sight of a pod to its running.",
    buckets=(0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 3600),
)
RELIST_SECONDS = Histogram("kubelet_pleg_relist_duration_seconds", "Seconds that a relist of containers took.")
CERTIFICATE_SECONDS_LEFT = {
    purpose: Gauge(
        f"kubelet_certificate_manager_{purpose}_ttl_seconds", f"Seconds until the {purpose} certificate expires."
    )
    for purpose in ("client", "server")
}
CERTIFICATE_RENEWAL_ERRORS = {
    "client": Counter(
        "kubelet_certificate_manager_client_expiration_renew_errors", "Failed renewals of the client certificate."
    ),
    "server": Counter("kubelet_server_expiration_renew_errors", "Failed renewals of the server certificate."),
}


class NodeCollector(Collector):
    """Numbers that are counted when they are asked for."""

    def __init__(self, node_name: str, records: Callable[[], Iterable[ContainerRecord]]) -> None:
        self._node_name = node_name
        self._records = records

    def collect(self) -> Iterable[Metric]:
        """The families."""
        pods = GaugeMetricFamily("kubelet_running_pods", "Pods that have a running sandbox.")
        containers = GaugeMetricFamily("kubelet_running_containers", "Containers by state.", labels=["container_state"])
        name = GaugeMetricFamily("kubelet_node_name", "The node's name; always 1.", labels=["node"])
        counts: dict[str, int] = {}
        sandboxes = set()
        for record in self._records():
            if record.sandbox:
                if record.running:
                    sandboxes.add(record.pod_uid)
            else:
                counts[record.state] = counts.get(record.state, 0) + 1
        pods.add_metric([], len(sandboxes))
        for state, count in sorted(counts.items()):
            containers.add_metric([state], count)
        name.add_metric([self._node_name], 1)
        return [pods, containers, name]


def register(collector: NodeCollector) -> None:
    """Show the collector's numbers at /metrics."""
    REGISTRY.register(collector)
