"""The metrics of requests, by the reference's names; children are kept so that a request costs one look-up."""

from __future__ import annotations

from prometheus_client import Gauge

from component.counter import LightCounter, Tally
from component.histogram import Distribution, LightHistogram, Observations
from component.merging import same_everywhere

_DURATIONS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
_SIZES = tuple(1000.0 * 10**power for power in range(7))
_EVENT_SIZES = tuple(1024.0 * 2**power for power in range(8))
_AUTH_SECONDS = tuple(0.001 * 2**power for power in range(15))
_HOUR = 3600.0
_EXPIRATIONS = (0.0, 0.5 * _HOUR, _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, 24 * _HOUR, 48 * _HOUR, 96 * _HOUR,
                168 * _HOUR, 720 * _HOUR, 2160 * _HOUR, 4320 * _HOUR, 8760 * _HOUR)  # fmt: skip
_SCOPED = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_TIMED = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")

REQUESTS = LightCounter(
    "apiserver_request_total",
    "Requests answered, by verb, dry run, group, version, resource, scope, component and HTTP code.",
    (*_TIMED, "code"),
)
DURATIONS = LightHistogram(
    "apiserver_request_duration_seconds",
    "Seconds from a request's arrival to its answer.",
    _TIMED,
    buckets=_DURATIONS,
)
SLI_DURATIONS = LightHistogram(
    "apiserver_request_sli_duration_seconds",
    "Seconds from a request's arrival to its answer, without the time it waited in a queue.",
    _SCOPED,
    buckets=_DURATIONS,
)
RESPONSE_SIZES = LightHistogram("apiserver_response_sizes", "Bytes of the answers to reads.", _SCOPED, buckets=_SIZES)
IN_FLIGHT = Gauge("apiserver_current_inflight_requests", "Requests that are carried out now.", ("request_kind",))
IN_QUEUE = Gauge("apiserver_current_inqueue_requests", "Requests that wait for their turn now.", ("request_kind",))
LONG_RUNNING = Gauge("apiserver_longrunning_requests", "Watches, logs and the like that are under way.", _SCOPED)
TERMINATIONS = LightCounter(
    "apiserver_request_terminations_total", "Requests ended by the server in self-defence.", (*_SCOPED, "code")
)
WATCH_EVENTS = LightCounter("apiserver_watch_events_total", "Events sent to watchers.", ("group", "version", "kind"))
WATCH_SIZES = LightHistogram(
    "apiserver_watch_events_sizes", "Bytes of the events sent.", ("group", "version", "kind"), buckets=_EVENT_SIZES
)
_DEPRECATED = Gauge(
    "apiserver_requested_deprecated_apis",
    "Versions that are not to be used any more and were asked for; always 1.",
    ("group", "version", "resource", "subresource", "removed_release"),
)
STORAGE_OBJECTS = Gauge("apiserver_storage_objects", "Objects in the store, by resource.", ("resource",))
STORAGE_BYTES = Gauge("apiserver_storage_size_bytes", "Size of the store.", ("storage_cluster_id",))
same_everywhere("apiserver_requested_deprecated_apis", "apiserver_storage_objects", "apiserver_storage_size_bytes")

AUTHENTICATED = LightCounter("authenticated_user_requests", "Requests of known users, by the user.", ("username",))
AUTHENTICATION_SECONDS = LightHistogram(
    "authentication_duration_seconds", "Seconds that they took.", ("result",), buckets=_AUTH_SECONDS
)
Observations("authentication_attempts", "Authentications, by their result.", AUTHENTICATION_SECONDS)
_FILTER_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0, 10.0, 15.0, 30.0)
FILTERS = LightHistogram(
    "apiserver_request_filter_duration_seconds",
    "Seconds that a request spent in a stage before it was carried out.",
    ("filter",),
    buckets=_FILTER_SECONDS,
)
VALIDATIONS = LightHistogram(
    "field_validation_request_duration_seconds",
    "Seconds from a write's arrival to its answer, by what it asked for unknown fields.",
    ("field_validation",),
    buckets=_DURATIONS[2:],
)
AUTHORIZATION_SECONDS = LightHistogram(
    "authorization_duration_seconds", "Seconds that they took.", ("result",), buckets=_AUTH_SECONDS
)
Observations("authorization_attempts_total", "Authorizations, by their result.", AUTHORIZATION_SECONDS)
CERTIFICATE_EXPIRATIONS = LightHistogram(
    "apiserver_client_certificate_expiration_seconds",
    "How long the certificates of clients were still good.",
    (),
    buckets=_EXPIRATIONS,
).labels()

_COMPONENT = "apiserver"


class _Series:
    """What is counted of requests of one kind."""

    __slots__ = ("requests", "seconds", "sizes", "sli_seconds")

    def __init__(self, scoped: tuple[str, ...], *, dry_run: bool, code: int) -> None:
        timed = (scoped[0], "All" if dry_run else "", *scoped[1:])
        self.requests = REQUESTS.labels(*timed, str(code))
        self.seconds = DURATIONS.labels(*timed)
        self.sli_seconds = SLI_DURATIONS.labels(*scoped)
        self.sizes: Distribution | None = RESPONSE_SIZES.labels(*scoped) if scoped[0] in ("GET", "LIST") else None


#: Verb, group, version, resource, subresource and scope.
Labels = tuple[str, str, str, str, str, str]
_series: dict[tuple[Labels, bool, int], _Series] = {}


def observe(labels: Labels, *, dry_run: bool, code: int, seconds: float, waited: float = 0.0, size: int = 0) -> None:
    """Count one finished request; `waited`: the part of its seconds that it spent in a queue."""
    key = (labels, dry_run, code)
    series = _series.get(key)
    if series is None:
        series = _series[key] = _Series((*labels, _COMPONENT), dry_run=dry_run, code=code)
    series.requests.inc()
    series.seconds.observe(seconds)
    series.sli_seconds.observe(seconds - waited)
    if series.sizes is not None:
        series.sizes.observe(size)


#: How the label says verbs: those that write by their method, others (those not here too) by themselves.
_METHODS = {"create": "POST", "update": "PUT", "get": "GET", "list": "LIST", "watch": "WATCH", "delete": "DELETE"}
_CONNECTING = frozenset({"attach", "exec", "portforward", "proxy"})
_APPLY = "application/apply-patch+yaml"


def verb_of(verb: str, subresource: str, content_type: str) -> str:
    """The label of a request's verb. Pure."""
    if subresource and subresource in _CONNECTING:
        return "CONNECT"
    if verb == "patch" and content_type.partition(";")[0].strip() == _APPLY:
        return "APPLY"
    return _METHODS.get(verb) or verb.upper()


def terminated(labels: Labels, code: int) -> None:
    """Count one request that the server has ended."""
    TERMINATIONS.labels(*labels, _COMPONENT, str(code)).inc()


def deprecated(group: str, version: str, resource: str, subresource: str, removed_release: str) -> None:
    """Somebody uses a version that will be gone from a release on ("": nobody has said from which)."""
    _DEPRECATED.labels(group, version, resource, subresource, removed_release).set(1)


#: Seconds by result; each observation counts as an attempt too.
AUTHENTICATION = {result: AUTHENTICATION_SECONDS.labels(result) for result in ("success", "failure", "error")}
AUTHENTICATING, IMPERSONATING = FILTERS.labels("authentication"), FILTERS.labels("impersonation")
TAKING_TURNS, AUTHORIZING = FILTERS.labels("priorityandfairness"), FILTERS.labels("authorization")
VALIDATION = {value: VALIDATIONS.labels(value) for value in ("", "Ignore", "Warn", "Strict")}
AUTHORIZATION = {result: AUTHORIZATION_SECONDS.labels(result) for result in ("allowed", "denied", "no-opinion")}

#: Users whose names the label tells; all others would make it endless.
_TOLD = frozenset(
    {"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default", "system:anonymous",
     "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy", "system:apiserver"}
)  # fmt: skip
_USERS_KEPT = 4096
_users: dict[str, Tally] = {}  #: by user


def authenticated(name: str) -> None:
    """Count one request of a known user."""
    child = _users.get(name)
    if child is None:
        shown = name if name in _TOLD else "email_id" if "@" in name else "other"
        if len(_users) >= _USERS_KEPT:
            _users.clear()
        child = _users[name] = AUTHENTICATED.labels(shown)
    child.inc()


def scope_of(namespace: str, name: str) -> str:
    """The scope label: what one request was about."""
    if name:
        return "resource"
    return "namespace" if namespace else "cluster"
