"""kube-dns's metrics under the names that CoreDNS has for the same: dashboards and alerts for cluster DNS know them."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = tuple(0.00025 * 2**power for power in range(16))
_BYTES = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
#: Types that have a label of their own.
_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 43: "DS",
    46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 251: "IXFR", 252: "AXFR", 255: "ANY",
}  # fmt: skip
_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}

REQUESTS = Counter("coredns_dns_requests", "DNS requests", ["server", "zone", "proto", "family", "type"])
RESPONSES = Counter("coredns_dns_responses", "DNS responses", ["server", "zone", "rcode"])
REQUEST_SECONDS = Histogram(
    "coredns_dns_request_duration_seconds", "Time that a DNS request took", ["server", "zone"], buckets=_SECONDS
)
REQUEST_BYTES = Histogram(
    "coredns_dns_request_size_bytes", "Size of DNS requests", ["server", "zone", "proto"], buckets=_BYTES
)
RESPONSE_BYTES = Histogram(
    "coredns_dns_response_size_bytes", "Size of DNS responses", ["server", "zone", "proto"], buckets=_BYTES
)
CACHE_ENTRIES = Gauge("coredns_cache_entries", "Answers of other servers in the cache")
CACHE_HITS = Counter("coredns_cache_hits", "Questions answered from the cache", ["type"])
CACHE_MISSES = Counter("coredns_cache_misses", "Questions that the cache had no answer for")
FORWARD_REQUESTS = Counter("coredns_forward_requests", "Questions sent to other servers", ["to"])
FORWARD_RESPONSES = Counter("coredns_forward_responses", "Answers of other servers", ["to", "rcode"])
FORWARD_SECONDS = Histogram(
    "coredns_forward_request_duration_seconds", "Time that another server took", ["to", "rcode"], buckets=_SECONDS
)
FORWARD_FAILURES = Counter("coredns_forward_healthcheck_failures", "Questions that another server left open", ["to"])
FORWARD_REJECTS = Counter("coredns_forward_max_concurrent_rejects", "Questions refused because too many were under way")
STRANGERS = Counter("kube_dns_strangers", "Questions of clients that are not answered", ["proto"])
ZONE_CHANGES = Gauge("kube_dns_zone_changes", "Changes of the zone since the start")


def rcode_name(rcode: int) -> str:
    """As it stands in labels."""
    return _RCODES.get(rcode, str(rcode))


@lru_cache(maxsize=512)
def _request(server: str, zone: str, proto: str, family: str, qtype: str) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(server, zone, proto, family, qtype), REQUEST_BYTES.labels(server, zone, proto)


@lru_cache(maxsize=512)
def _response(server: str, zone: str, proto: str, rcode: str) -> tuple[Counter, Histogram, Histogram]:
    seconds, size = REQUEST_SECONDS.labels(server, zone), RESPONSE_BYTES.labels(server, zone, proto)
    return RESPONSES.labels(server, zone, rcode), seconds, size


def served(
    server: str, zone: str, proto: str, family: str, qtype: int, request: int, response: bytes, seconds: float
) -> None:
    """One request (its size in bytes) and its response."""
    count, size = _request(server, zone, proto, family, _TYPES.get(qtype, "other"))
    count.inc()
    size.observe(request)
    count, duration, size = _response(server, zone, proto, rcode_name(response[3] & 0xF))
    count.inc()
    duration.observe(seconds)
    size.observe(len(response))


def forwarded(to: str, rcode: int | None, seconds: float) -> None:
    """One question to another server; no rcode: it did not answer."""
    FORWARD_REQUESTS.labels(to).inc()
    if rcode is None:
        FORWARD_FAILURES.labels(to).inc()
        return
    FORWARD_RESPONSES.labels(to, rcode_name(rcode)).inc()
    FORWARD_SECONDS.labels(to, rcode_name(rcode)).observe(seconds)


def cache_hit(*, denial: bool) -> None:
    """A question was answered from the cache."""
    CACHE_HITS.labels("denial" if denial else "success").inc()
