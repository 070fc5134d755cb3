"""Writing answers out of the zone, by dnslib. Pure."""

from __future__ import annotations

import ipaddress
import struct

import dnslib

from dns.wire.query import AA, AD, CD, DNSSEC_OK, HEADER_BYTES, MAX_UDP_BYTES, QR, RA, RD, TC, Query
from dns.zone.records import AAAA, CNAME, NS, OPT, PTR, TXT, A, Answer, Record, Soa, Srv

_HEADER = struct.Struct("!6H")
BADVERS = 16
_COPIED_FLAGS = RD | CD
_LAST_POINTED_TO = 0x3FFF - 255
_ADDRESSES = {A: dnslib.A, AAAA: dnslib.AAAA}
_NAMES = {CNAME: dnslib.CNAME, NS: dnslib.NS, PTR: dnslib.PTR}


def header(query: Query, rcode: int, counts: tuple[int, int, int, int], *, extra_flags: int = 0) -> bytes:
    """The header of a response to `query`."""
    flags = QR | RA | query.flags & _COPIED_FLAGS | extra_flags | rcode & 0xF
    return _HEADER.pack(query.id, flags, *counts)


def opt_record(query: Query, rcode: int = 0) -> bytes:
    """The OPT record of a response: empty where the client sent none."""
    if query.edns_version is None:
        return b""
    flags = DNSSEC_OK if query.dnssec_ok else 0
    return b"\0" + struct.pack("!HHBBHH", OPT, MAX_UDP_BYTES, rcode >> 4, 0, flags, 0)


def empty_response(query: Query, rcode: int, *, truncated: bool = False) -> bytes:
    """A response with the question alone: an error, or (`truncated`) the advice to come back by TCP."""
    opt = opt_record(query, rcode)
    counts = (1, 0, 0, 1 if opt else 0)
    return header(query, rcode, counts, extra_flags=TC if truncated else 0) + query.question + opt


def response(query: Query, answer: Answer, *, ttl_seconds: int, limit: int) -> bytes:
    """The message for an answer of the zone, at most `limit` bytes long.

    Additional records are left out before anything is truncated: nobody needs them."""
    opt = opt_record(query)
    for additional in (answer.additional, ()):
        sections = (answer.records, answer.authority, additional)
        # A buffer that starts with header and question: names of records are compressed into it.
        counts = (1, len(answer.records), len(answer.authority), len(additional) + (1 if opt else 0))
        buffer = _Buffer(header(query, answer.rcode, counts, extra_flags=AA) + query.question)
        owner = _label(query)
        buffer.offset = len(buffer.data)
        _remember_names(buffer, owner)
        for section in sections:
            for record in section:
                _rr(record, owner, ttl_seconds).pack(buffer)
        if len(buffer.data) + len(opt) <= limit:
            return bytes(buffer.data) + opt
        if not answer.additional:
            break
    return empty_response(query, answer.rcode, truncated=True)


def question_message(number: int, query: Query) -> bytes:
    """The same question to another server, with our own id and limits."""
    flags = RD | query.flags & (CD | AD)
    opt = b"\0" + struct.pack("!HHIH", OPT, MAX_UDP_BYTES, DNSSEC_OK if query.dnssec_ok else 0, 0)
    return _HEADER.pack(number, flags, 1, 0, 0, 1) + query.lower_question + opt


class _Buffer(dnslib.DNSBuffer):  # type: ignore[misc]  # untyped in the library
    """A message in the making that writes no pointer to where pointers, which have 14 bits, cannot point."""

    def encode_name(self, name: dnslib.DNSLabel) -> None:
        if self.offset > _LAST_POINTED_TO:
            self.encode_name_nocompress(name)
        else:
            super().encode_name(name)


def _label(query: Query) -> dnslib.DNSLabel:
    labels, at = [], 0
    while length := query.name[at]:
        labels.append(query.name[at + 1 : at + 1 + length])
        at += length + 1
    return dnslib.DNSLabel(labels)


def _remember_names(buffer: _Buffer, owner: dnslib.DNSLabel) -> None:
    """Tell the buffer where the question's name and its parents stand."""
    at = HEADER_BYTES
    for number in range(len(owner.label)):
        buffer.names.setdefault(tuple(owner.label[number:]), at)
        at += len(owner.label[number]) + 1


def _rr(record: Record, owner: dnslib.DNSLabel, ttl_seconds: int) -> dnslib.RR:
    name = _name(record.owner) if record.owner else owner
    return dnslib.RR(name, record.type, ttl=ttl_seconds, rdata=_rdata(record))


def _rdata(record: Record) -> dnslib.RD:
    data = record.data
    if isinstance(data, Srv):
        return dnslib.SRV(data.priority, data.weight, data.port, _name(data.target))
    if isinstance(data, Soa):
        times = (data.serial & 0xFFFFFFFF, data.refresh, data.retry, data.expire, data.minimum)
        return dnslib.SOA(_name(data.primary), _name(data.mailbox), times)
    if record.type in _ADDRESSES:
        return _ADDRESSES[record.type](tuple(ipaddress.ip_address(data).packed))
    if record.type == TXT:
        return dnslib.TXT(data)
    return _NAMES[record.type](_name(data))


def _name(text: str) -> dnslib.DNSLabel:
    # Labels as bytes: dnslib would apply IDNA to text, which names from the API do not need.
    return dnslib.DNSLabel([label.encode() for label in text.split(".") if label])
