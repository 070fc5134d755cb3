"""EventRateLimit: no more Events per second than configured, by server, namespace, user, or source and object.

(plugin/pkg/admission/eventratelimit; configuration eventratelimit.admission.k8s.io/v1alpha1.)"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from apimachinery.errors import TooManyRequests
from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting
from apiserver.interfaces import Attributes

_DEFAULT_KEYS: Final = 4096
_INVOLVED: Final = ("kind", "namespace", "name", "uid", "apiVersion")


class Bucket:
    """A token bucket: `burst` at once, `qps` a second. Pure: the time is passed in."""

    __slots__ = ("_burst", "_qps", "_seconds", "_tokens")

    def __init__(self, qps: float, burst: int, seconds: float) -> None:
        self._qps = qps
        self._burst = burst
        self._tokens = float(burst)
        self._seconds = seconds

    def take(self, seconds: float) -> bool:
        """Take a token at a time, if there is one."""
        self._tokens = min(self._burst, self._tokens + (seconds - self._seconds) * self._qps)
        self._seconds = seconds
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class _Limit:
    """One configured limit: a bucket per key, those used last."""

    def __init__(self, kind: str, config: Mapping[str, Any]) -> None:
        self.kind = kind
        self._qps, self._burst = float(config["qps"]), int(config["burst"])
        self._most = 1 if kind == "Server" else int(config.get("cacheSize") or _DEFAULT_KEYS)
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def accepts(self, key: str, seconds: float) -> bool:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._qps, self._burst, seconds)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(seconds)


def _source_and_object(attributes: Attributes, obj: Object | None) -> str:
    event = obj or {}
    source, involved = event.get("source") or {}, event.get("involvedObject") or {}
    parts = [source.get("component"), source.get("host"), *(involved.get(field) for field in _INVOLVED)]
    return "".join(part or "" for part in parts)


_KEYS: Final[Mapping[str, Callable[[Attributes, Object | None], str]]] = {
    "Server": lambda attributes, obj: "",
    "Namespace": lambda attributes, obj: attributes.namespace,
    "User": lambda attributes, obj: attributes.user.name,
    "SourceAndObject": _source_and_object,
}


class EventRateLimit(Plugin):
    """Events, of both API groups."""

    name = "EventRateLimit"
    resources = {("", "events"): frozenset({""}), ("events.k8s.io", "events"): frozenset({""})}

    def __init__(self, setting: Setting) -> None:
        """Raises ValueError for limits that make no sense."""
        limits = setting.configured(self.name).get("limits") or []
        if not limits:
            raise ValueError("EventRateLimit: limits: Invalid value: must not be empty")
        self._limits = [_limit(index, config) for index, config in enumerate(limits)]

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises TooManyRequests; every limit counts every Event."""
        if attributes.dry_run:
            return []
        now = time.monotonic()
        reached = []
        for limit in self._limits:
            key = _KEYS[limit.kind](attributes, obj)
            if not limit.accepts(key, now):
                reached.append(f"limit reached on type {limit.kind} for key {key}")
        if reached:
            text = reached[0] if len(reached) == 1 else f"[{', '.join(reached)}]"
            raise TooManyRequests(text)
        return []


def _limit(index: int, config: Mapping[str, Any]) -> _Limit:
    at = f"EventRateLimit: limits[{index}]"
    kind = config.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise ValueError(f"{at}.type: {kind!r} is none of {', '.join(_KEYS)}")
    for field in ("qps", "burst"):
        value = config.get(field)
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"{at}.{field}: {value!r} is not positive")
    return _Limit(kind, config)
