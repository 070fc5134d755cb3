"""What another server answered: read just as far as needed to hand it on. Pure.

Records are handed on byte for byte, so types that nobody here knows pass unharmed; the id, the case of the question,
the TTLs and the OPT record are the client's business and ours."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dnslib

from dns.wire.query import AD, HEADER_BYTES, QR, TC, Query, skip_name
from dns.wire.response import empty_response, header, opt_record
from dns.zone.records import AAAA, CNAME, NOERROR, NXDOMAIN, OPT, SERVFAIL, SOA, A, Record

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_TTL = struct.Struct("!I")
_TTL_AT = 4  #: after type and class
_SERVFAIL_SECONDS = 5


class BadResponse(Exception):
    """Not an answer to what was asked, or not readable."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer of another server. `body` is all after its question, without OPT."""

    rcode: int
    flags: int
    counts: tuple[int, int, int]
    body: bytes
    ttls: tuple[int, ...]  #: offsets of the TTLs in `body`
    keep_seconds: int  #: how long it may be kept
    truncated: bool

    @property
    def denial(self) -> bool:
        """Whether it says that there is nothing."""
        return self.rcode == NXDOMAIN or (self.rcode == NOERROR and not self.counts[0])


def read_response(data: bytes, number: int, query: Query) -> Relayed:
    """The response to `query`, which was sent with the id `number`; raises `BadResponse` for any other message."""
    try:
        found, flags, questions, *counts = _HEADER.unpack_from(data)
        question = query.lower_question
        start = HEADER_BYTES + len(question)
        if found != number or not flags & QR:
            raise BadResponse("not the response to this question")
        if flags & TC and not questions:  # some servers leave out all when not all fits
            return Relayed(flags & 0xF, flags, (0, 0, 0), b"", (), 0, True)
        if questions != 1:
            raise BadResponse("not the response to one question")
        # Type and class are compared as they are, the name without regard to case.
        named = start - 4
        if data[HEADER_BYTES:named].lower() != question[:-4] or data[named:start] != question[-4:]:
            raise BadResponse("the response to another question")
        return _read_records(data, start, flags, counts)
    except (ValueError, IndexError, struct.error) as error:
        raise BadResponse(f"malformed: {error}") from error


def _read_records(data: bytes, start: int, flags: int, counts: list[int]) -> Relayed:
    at, end = start, len(data)
    ttls: list[int] = []
    least: int | None = None
    negative = 0
    rcode = flags & 0xF
    answers, authorities, additionals = counts
    for number in range(sum(counts)):
        record_start = at
        at = skip_name(data, at)
        rtype, _, ttl, length = _RECORD.unpack_from(data, at)
        following = at + _RECORD.size + length
        if following > len(data):
            raise ValueError("a record that ends after the message")
        if rtype == OPT:
            rcode |= ttl >> 24 << 4
            # It is the last as a rule; what comes after it is additional, and may be left out.
            end, additionals = record_start, max(0, number - answers - authorities)
            break
        ttls.append(at + _TTL_AT - start)
        ttl = ttl if ttl < 1 << 31 else 0  # RFC 2181: the top bit set means 0
        if rtype == SOA and answers <= number < answers + authorities:
            negative = min(ttl, _TTL.unpack_from(data, following - _TTL.size)[0])
        least = ttl if least is None else min(least, ttl)
        at = following
    kept = _keep_seconds(rcode, bool(answers), least or 0, negative)
    body = data[start : end if end < len(data) else at]
    return Relayed(rcode, flags, (answers, authorities, additionals), body, tuple(ttls), kept, bool(flags & TC))


def _keep_seconds(rcode: int, answered: bool, least: int, negative: int) -> int:
    """RFC 2308: an answer for its least TTL, a denial as its SOA says, a failure for a moment."""
    if rcode == NOERROR and answered:
        return least
    if rcode in (NOERROR, NXDOMAIN):
        return negative
    return _SERVFAIL_SECONDS if rcode == SERVFAIL else 0


def relay(query: Query, answer: Relayed, *, age_seconds: int, max_ttl_seconds: int, limit: int) -> bytes:
    """The message for the client, with TTLs counted down by `age_seconds`."""
    opt = opt_record(query, answer.rcode)
    if answer.truncated or HEADER_BYTES + len(query.question) + len(answer.body) + len(opt) > limit:
        return empty_response(query, answer.rcode, truncated=True)
    body = bytearray(answer.body)
    for at in answer.ttls:
        ttl = _TTL.unpack_from(body, at)[0]
        _TTL.pack_into(body, at, max(0, min(ttl if ttl < 1 << 31 else 0, max_ttl_seconds) - age_seconds))
    # Whether signatures were checked is told to those who asked (RFC 6840, 5.8).
    wants_ad = query.dnssec_ok or bool(query.flags & AD)
    counts = (1, answer.counts[0], answer.counts[1], answer.counts[2] + (1 if opt else 0))
    extra = answer.flags & AD if wants_ad else 0
    return header(query, answer.rcode, counts, extra_flags=extra) + query.question + bytes(body) + opt


def address_records(query: Query, answer: Relayed) -> tuple[tuple[Record, ...], int]:
    """The addresses and aliases among the answers and the least of their TTLs; raises `BadResponse`."""
    counts = (1, answer.counts[0], 0, 0)
    try:
        message = dnslib.DNSRecord.parse(header(query, answer.rcode, counts) + query.lower_question + answer.body)
    except (dnslib.DNSError, RecursionError) as error:
        raise BadResponse(f"malformed: {error}") from error
    records = []
    ttls = []
    for found in message.rr:
        if found.rtype in (A, AAAA, CNAME):
            owner, data = str(found.rname).rstrip("."), str(found.rdata).rstrip(".")
            if "\\" in owner + data:
                raise BadResponse("an alias with a name that is no host's")
            records.append(Record(owner, found.rtype, data))
            ttls.append(found.ttl)
    return tuple(records), min(ttls, default=0)
