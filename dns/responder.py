"""From a question to the message that answers it: out of the zone, out of the cache, or from other servers.

`answer_now` never waits, so a slow server elsewhere holds up nobody who asks for the cluster's names."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from dns.cache import TtlCache
from dns.upstream.forwarder import Forwarder, NoAnswer
from dns.wire.query import HEADER_BYTES, Query
from dns.wire.relay import BadResponse, Relayed, address_records, relay
from dns.wire.response import BADVERS, empty_response, response
from dns.zone.lookup import Lookup
from dns.zone.records import AAAA, AXFR, CNAME, IXFR, NXDOMAIN, REFUSED, SERVFAIL, A, Answer, Record, of_type

logger = logging.getLogger(__name__)

_IN = 1
_MAX_ALIASES = 8
#: Of a record owned by the question's name: pointer, type, class, TTL, length, address.
_ADDRESS_RECORD_BYTES = {A: 16, AAAA: 28}
_PACKED_ENTRIES = 10_000
_PACKED_SECONDS = 3600.0


class Responder:
    """Answers questions. `synced`: whether the zone is known; until then its names are a server failure."""

    def __init__(
        self, lookup: Lookup, forwarder: Forwarder, *, ttl_seconds: int, synced: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._lookup = lookup
        self._forwarder = forwarder
        self._ttl = ttl_seconds
        self._synced = synced
        self._clock = clock
        self._packed: TtlCache[object, _Packed] = TtlCache(_PACKED_ENTRIES)
        self._packed_version = -1
        self._apex = lookup.zone.domain + "."

    def zone_of(self, query: Query) -> str:
        """The zone that answers, as metrics name it."""
        if self._lookup.owns(query.labels):
            return self._apex
        return "arpa." if query.labels[-1:] == ("arpa",) else "."

    def answer_now(self, query: Query, limit: int) -> bytes | None:
        """The answer, at most `limit` bytes long; None where other servers must be asked: `answer_later` does."""
        version = self._lookup.zone.version
        if version != self._packed_version:
            self._packed.clear()
            self._packed_version = version
        key = (query.key, query.edns_version, limit)
        packed = self._packed.get(key, self._clock())
        if packed is not None:
            message, end = packed.value.next(), HEADER_BYTES + len(query.name)
            return query.id.to_bytes(2, "big") + message[2:HEADER_BYTES] + query.name + message[end:]
        if refusal := _refused(query):
            return empty_response(query, refusal)
        return self._from_zone(query, limit, key)

    async def answer_later(self, query: Query, limit: int) -> bytes:
        """The answer of other servers."""
        answer = self._lookup.answer(query.labels, query.qtype)
        try:
            if answer is None:
                relayed = await self._forwarder.ask(query)
                return self._relay(query, relayed, 0, limit)
            return await self._chase(query, answer, limit)
        except NoAnswer as error:
            # Without other servers, nobody else knows the name of an address either.
            reverse = query.labels[-1:] == ("arpa",) and error.rcode == REFUSED and not self._forwarder.upstreams
            return empty_response(query, NXDOMAIN if reverse else error.rcode)
        except BadResponse as error:
            logger.info("Nonsense from another server", extra={"question": query.labels, "error": str(error)})
            return empty_response(query, SERVFAIL)

    def _from_zone(self, query: Query, limit: int, key: object) -> bytes | None:
        ours = self._lookup.owns(query.labels)
        if not self._synced() and (ours or query.labels[-1:] == ("arpa",)):
            return empty_response(query, SERVFAIL)
        answer = self._lookup.answer(query.labels, query.qtype)
        if answer is None:
            kept = self._forwarder.kept(query)
            return None if kept is None else self._relay(query, kept.value, kept.age_seconds, limit)
        if answer.chase:
            answer = self._chase_here(answer, query.qtype)
            if answer.chase:
                return None
        message = response(query, answer, ttl_seconds=self._ttl, limit=limit)
        self._packed.put(key, _packed(query, answer, message), self._clock(), _PACKED_SECONDS)
        return message

    def _chase_here(self, answer: Answer, qtype: int) -> Answer:
        """Follow aliases as long as they stay in the zone; `chase` of the result is what is left."""
        records = answer.records
        for _ in range(_MAX_ALIASES):
            if not answer.chase:
                break
            labels = tuple(answer.chase.split("."))
            following = self._lookup.answer(labels, qtype) if self._lookup.owns(labels) else None
            if following is None:
                return Answer(answer.rcode, records, chase=answer.chase)
            owned = tuple(Record(found.owner or answer.chase, found.type, found.data) for found in following.records)
            records += owned
            answer = following
        if answer.chase:  # a circle
            return Answer(SERVFAIL, records)
        return Answer(answer.rcode, records, authority=answer.authority)

    async def _chase(self, query: Query, answer: Answer, limit: int) -> bytes:
        """Complete an alias that leads out of the zone."""
        answer = self._chase_here(answer, query.qtype)
        outside = _about(query, answer.chase)
        kept = self._forwarder.kept(outside)
        relayed = kept.value if kept is not None else await self._forwarder.ask(outside)
        found, least = address_records(outside, relayed)
        wanted = (*of_type(found, CNAME), *of_type(found, query.qtype))
        complete = Answer(relayed.rcode & 0xF, (*answer.records, *wanted))
        age = kept.age_seconds if kept is not None else 0
        ttl = max(0, min(self._ttl, least - age)) if wanted else self._ttl
        return response(query, complete, ttl_seconds=ttl, limit=limit)

    def _relay(self, query: Query, answer: Relayed, age_seconds: int, limit: int) -> bytes:
        longest = self._forwarder.settings.max_ttl_seconds
        return relay(query, answer, age_seconds=age_seconds, max_ttl_seconds=longest, limit=limit)


@dataclass(slots=True)
class _Packed:
    """A finished message. Clients take the first of several addresses: each call of `next` begins with another."""

    message: bytes
    count: int = 1  #: of address records, which follow the question
    start: int = 0
    size: int = 0  #: of each of them, in bytes
    turn: int = 0

    def next(self) -> bytes:
        """The message, with its addresses in the next order."""
        if self.count < 2:
            return self.message
        self.turn = (self.turn + 1) % self.count
        cut, end = self.start + self.turn * self.size, self.start + self.count * self.size
        message = self.message
        return message[: self.start] + message[cut:end] + message[self.start : cut] + message[end:]


def _packed(query: Query, answer: Answer, message: bytes) -> _Packed:
    size = _ADDRESS_RECORD_BYTES.get(query.qtype, 0)
    start, count = HEADER_BYTES + len(query.question), len(answer.records)
    plain = all(record.type == query.qtype and not record.owner for record in answer.records)
    whole = len(message) >= start + count * size  # not so where it is truncated
    return _Packed(message, count, start, size) if size and plain and whole else _Packed(message)


def _refused(query: Query) -> int:
    """The error for what nobody gets an answer to, or 0."""
    if query.edns_version:
        return BADVERS
    if query.qclass != _IN or query.qtype in (AXFR, IXFR):
        return REFUSED
    return 0


def _about(query: Query, name: str) -> Query:
    """The same question about another name."""
    labels = tuple(name.rstrip(".").lower().split("."))
    wire = b"".join(bytes((len(label),)) + label.encode("latin-1") for label in labels) + b"\0"
    return Query(query.id, query.flags, wire, labels, query.qtype, query.qclass, query.edns_version,
                 query.udp_bytes, query.dnssec_ok)  # fmt: skip
