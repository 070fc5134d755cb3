"""Which Events are written anew, counted up or dropped (client-go tools/record/events_cache). Pure but for its memory.

Three rules in this order: an object that causes too many is cut off (a token bucket per source and object); more than
ten alike but for their message within ten minutes are combined; the very same one again only raises the count of the
first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object

_CACHE_SIZE = 4096
_SPAM_BURST = 25
_SPAM_PER_SECOND = 1.0 / 300.0
_SIMILAR_MAX = 10
_SIMILAR_SECONDS = 600.0
_COMBINED = "(combined from similar events): "


#: What repetitions have in common.
Key = tuple[str, ...]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    at: float = 0.0


@dataclass(slots=True)
class Written:
    """An Event that the server has: what a repetition of it is counted on."""

    name: str
    namespace: str
    count: int


class Correlator:
    """Remembers what was recorded; one per recorder."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[Key, _Bucket] = OrderedDict()
        self._similar: OrderedDict[Key, _Similar] = OrderedDict()
        self._written: OrderedDict[Key, Written] = OrderedDict()

    def correlate(self, event: Object, now: float) -> Key | None:
        """None: drop it. Otherwise the key that it shares with those it is counted up with.

        The event's message is replaced where it is one of many alike."""
        return self._combine(event, now) if self._admits(event, now) else None

    def written(self, key: Key) -> Written | None:
        """What to count up for an event of that key, if anything."""
        return self._written.get(key)

    def remember(self, key: Key, written: Written) -> None:
        """This one has been written."""
        _put(self._written, key, written)

    def forget(self, key: Key) -> None:
        """The server no longer has it."""
        self._written.pop(key, None)

    def _admits(self, event: Object, now: float) -> bool:
        key = _source_key(event) + _about_key(event)
        bucket = self._buckets.get(key) or _Bucket(_SPAM_BURST, now)
        bucket.tokens = min(_SPAM_BURST, bucket.tokens + (now - bucket.at) * _SPAM_PER_SECOND)
        bucket.at = now
        _put(self._buckets, key, bucket)
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True

    def _combine(self, event: Object, now: float) -> Key:
        source = _source_key(event) + _about_key(event)
        alike = (*source, event["type"], event["reason"])
        similar = self._similar.get(alike)
        if similar is None or now - similar.at > _SIMILAR_SECONDS:
            similar = _Similar()
        similar.at = now
        similar.messages.add(event["message"])
        _put(self._similar, alike, similar)
        if len(similar.messages) < _SIMILAR_MAX:
            return (*alike, event["message"])
        # The set need not grow: it only has to say "many".
        similar.messages.pop()
        event["message"] = _COMBINED + event["message"]
        return alike


def _put(cache: OrderedDict[Key, Any], key: Key, value: Any) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)


def _source_key(event: Object) -> Key:
    source = event["source"]
    return (source.get("component", ""), source.get("host", ""))


def _about_key(event: Object) -> Key:
    about = event["involvedObject"]
    names = ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")
    return tuple(about.get(name) or "" for name in names)
