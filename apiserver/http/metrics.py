"""The API server's metrics, by the reference's names; label children are kept so that a request costs two look-ups."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_DURATIONS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
_SIZES = tuple(1000.0 * 10**power for power in range(7))

REQUESTS = Counter(
    "apiserver_request",
    "Requests answered, by verb, dry run, group, version, resource, scope, component and HTTP code.",
    ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component", "code"),
)
DURATIONS = Histogram(
    "apiserver_request_duration_seconds",
    "Seconds from a request's arrival to its answer.",
    ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"),
    buckets=_DURATIONS,
)
RESPONSE_SIZES = Histogram(
    "apiserver_response_sizes",
    "Bytes of the answers to reads.",
    ("verb", "group", "version", "resource", "subresource", "scope", "component"),
    buckets=_SIZES,
)
IN_FLIGHT = Gauge(
    "apiserver_current_inflight_requests", "Most requests under way in the last second.", ("request_kind",)
)
LONG_RUNNING = Gauge(
    "apiserver_longrunning_requests",
    "Watches, logs and the like that are under way.",
    ("verb", "group", "version", "resource", "subresource", "scope", "component"),
)
TERMINATIONS = Counter(
    "apiserver_request_terminations",
    "Requests ended by the server in self-defence.",
    ("verb", "group", "version", "resource", "subresource", "scope", "component", "code"),
)
STORAGE_OBJECTS = Gauge("apiserver_storage_objects", "Objects in the store, by resource.", ("resource",))

_COMPONENT = "apiserver"
_children: dict[tuple[object, ...], tuple[Counter, Histogram]] = {}


def observe(
    verb: str,
    group: str,
    version: str,
    resource: str,
    subresource: str,
    scope: str,
    *,
    dry_run: bool,
    code: int,
    seconds: float,
) -> None:
    """Count one finished request."""
    key = (verb, dry_run, group, version, resource, subresource, scope, code)
    children = _children.get(key)
    if children is None:
        labels = (verb, "All" if dry_run else "", group, version, resource, subresource, scope, _COMPONENT)
        children = _children[key] = (REQUESTS.labels(*labels, str(code)), DURATIONS.labels(*labels))
    children[0].inc()
    children[1].observe(seconds)


def scope_of(namespace: str, name: str, *, is_resource: bool) -> str:
    """The scope label: what one request was about."""
    if not is_resource:
        return ""
    if name:
        return "resource"
    return "namespace" if namespace else "cluster"
