"""Metrics of tokens: how often the remembered ones are enough, and which service account tokens are used."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import Gauge

from component.counter import LightCounter
from component.histogram import LightHistogram, Observations

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CACHE = "authentication_token_cache_"
_STATUS = ("status",)
_LATENCY = LightHistogram(
    _CACHE + "request_duration_seconds", "Seconds until a token was known, by whether it was remembered.", _STATUS,
    buckets=_SECONDS,
)  # fmt: skip
Observations(_CACHE + "request_total", "Tokens, by whether they were remembered.", _LATENCY)
_FETCHES = LightCounter(_CACHE + "fetch_total", "Look-ups of tokens that were not.", _STATUS)
_ACTIVE = Gauge(_CACHE + "active_fetch_count", "Look-ups under way.", _STATUS)

HIT_SECONDS, _MISS_SECONDS = _LATENCY.labels("hit"), _LATENCY.labels("miss")
_FETCHED = {True: _FETCHES.labels("ok"), False: _FETCHES.labels("error")}
_IN_FLIGHT = _ACTIVE.labels("in_flight")

LEGACY_TOKENS = LightCounter("serviceaccount_legacy_tokens_total", "Uses of tokens kept in Secrets.").labels()
STALE_TOKENS = LightCounter(
    "serviceaccount_stale_tokens_total", "Uses of tokens that are older than their pods expect."
).labels()
VALID_TOKENS = LightCounter("serviceaccount_valid_tokens_total", "Uses of tokens that are not.").labels()


class LookUp:
    """A token that was not: a context manager around the look-up."""

    def __init__(self, started: float) -> None:
        self._started = started

    def __enter__(self) -> None:
        _IN_FLIGHT.inc()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        _IN_FLIGHT.dec()
        _FETCHED[error is None].inc()
        _MISS_SECONDS.observe(perf_counter() - self._started)
