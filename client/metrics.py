"""The metrics of clients and work queues, under the names and labels that the real daemons use."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_QUEUE_BUCKETS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_REQUEST_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)

REQUESTS = Counter(
    "rest_client_requests_total", "HTTP requests by status code, method and host.", ["code", "method", "host"]
)
REQUEST_SECONDS = Histogram(
    "rest_client_request_duration_seconds",
    "Request latency by verb and host.",
    ["verb", "host"],
    buckets=_REQUEST_BUCKETS,
)
DEPTH = Gauge("workqueue_depth", "Keys that wait in the queue.", ["name"])
ADDS = Counter("workqueue_adds_total", "Keys added to the queue.", ["name"])
RETRIES = Counter("workqueue_retries_total", "Keys added again after a failure.", ["name"])
QUEUE_SECONDS = Histogram(
    "workqueue_queue_duration_seconds", "How long a key waits before it is worked on.", ["name"], buckets=_QUEUE_BUCKETS
)
WORK_SECONDS = Histogram(
    "workqueue_work_duration_seconds", "How long a key is worked on.", ["name"], buckets=_QUEUE_BUCKETS
)
UNFINISHED_SECONDS = Gauge(
    "workqueue_unfinished_work_seconds", "Seconds of work under way, over all keys being worked on.", ["name"]
)
LONGEST_SECONDS = Gauge(
    "workqueue_longest_running_processor_seconds", "How long the oldest key under way has been worked on.", ["name"]
)
LEADING = Gauge("leader_election_master_status", "1 where this process holds the lease, 0 where it waits.", ["name"])
