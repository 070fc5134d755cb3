"""Reading a question. Pure.

By hand rather than by the library: the header, one question and the OPT record are all that matters, every datagram
passes here, and what strangers send must neither recurse nor take time in proportion to more than its length."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.zone.records import FORMERR, NOTIMP, OPT

_HEADER = struct.Struct("!6H")
_TYPE_CLASS = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
HEADER_BYTES = 12
_MAX_NAME_BYTES = 255
_MAX_LABEL_BYTES = 63
_POINTER = 0xC0
_MIN_UDP_BYTES = 512
#: What fits into one packet on any path (DNS flag day 2020): more is not sent by UDP, whatever the client allows.
MAX_UDP_BYTES = 1232

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
DNSSEC_OK = 0x8000


class NotAQuery(Exception):
    """To be dropped without an answer: a response, or too short to be answered."""


class BadQuery(Exception):
    """To be answered by `response`, which tells why."""

    def __init__(self, response: bytes, rcode: int) -> None:
        super().__init__(rcode)
        self.response = response
        self.rcode = rcode


@dataclass(frozen=True, slots=True)
class Query:
    """One question. Two queries with equal `key` get the same answer, but for id and the case of the name."""

    id: int
    flags: int
    name: bytes  #: as on the wire, in the client's case
    labels: tuple[str, ...]  #: in lower case, without the root
    qtype: int
    qclass: int
    edns_version: int | None  #: None: the client knows no EDNS
    udp_bytes: int  #: the largest datagram that the client takes, within our own limit
    dnssec_ok: bool

    @property
    def key(self) -> tuple[bytes, int, int, int, bool]:
        """What is asked for."""
        return (self.name.lower(), self.qtype, self.qclass, self.flags & (RD | AD | CD), self.dnssec_ok)

    @property
    def question(self) -> bytes:
        """The question section."""
        return self.name + _TYPE_CLASS.pack(self.qtype, self.qclass)

    @property
    def lower_question(self) -> bytes:
        """The question section as we ask it elsewhere."""
        # Lengths of labels are below 64 and so no letters: they stay as they are.
        return self.name.lower() + _TYPE_CLASS.pack(self.qtype, self.qclass)


def parse_query(data: bytes) -> Query:
    """Read a datagram or a TCP message; raises `NotAQuery` and `BadQuery`."""
    if len(data) < HEADER_BYTES:
        raise NotAQuery("shorter than a header")
    number, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(data)
    if flags & QR:
        raise NotAQuery("a response")
    if flags & 0x7800:
        raise BadQuery(_refusal(number, flags, NOTIMP), NOTIMP)
    try:
        if questions != 1:
            raise ValueError("not one question")
        labels, end = _read_name(data)
        qtype, qclass = _TYPE_CLASS.unpack_from(data, end)
        opt = _find_opt(data, end + _TYPE_CLASS.size, answers + authorities, additionals)
    except (ValueError, IndexError, struct.error) as error:
        raise BadQuery(_refusal(number, flags, FORMERR), FORMERR) from error
    udp_bytes, version, dnssec_ok = _MIN_UDP_BYTES, None, False
    if opt is not None:
        udp_bytes = min(max(opt[0], _MIN_UDP_BYTES), MAX_UDP_BYTES)
        version, dnssec_ok = opt[1] >> 16 & 0xFF, bool(opt[1] & DNSSEC_OK)
    return Query(number, flags, data[HEADER_BYTES:end], labels, qtype, qclass, version, udp_bytes, dnssec_ok)


def skip_name(data: bytes, at: int) -> int:
    """The offset after the name at `at`; raises ValueError or IndexError."""
    while True:
        length = data[at]
        if length == 0:
            return at + 1
        if length >= _POINTER:
            return at + 2
        if length > _MAX_LABEL_BYTES:
            raise ValueError("a label type that is not in use")
        at += length + 1


def _read_name(data: bytes) -> tuple[tuple[str, ...], int]:
    labels = []
    at = HEADER_BYTES
    while length := data[at]:
        if length > _MAX_LABEL_BYTES:
            raise ValueError("a pointer, or a label type that is not in use")
        label = data[at + 1 : at + 1 + length]
        labels.append(label.decode("latin-1").lower())
        at += length + 1
        if at - HEADER_BYTES > _MAX_NAME_BYTES - 1:
            raise ValueError("a name longer than 255 bytes")
    return tuple(labels), at + 1


def _find_opt(data: bytes, at: int, before: int, additionals: int) -> tuple[int, int] | None:
    """Class (the client's UDP size) and TTL (version and flags) of the OPT record."""
    found = None
    for number in range(before + additionals):
        start = at
        at = skip_name(data, at)
        rtype, rclass, ttl, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size + length
        if at > len(data):
            raise ValueError("a record that ends after the message")
        if rtype == OPT and number >= before:
            if found is not None or data[start]:
                raise ValueError("two OPT records, or one that is not the root's")
            found = (rclass, ttl)
    return found


def _refusal(number: int, flags: int, rcode: int) -> bytes:
    """A header alone: what the question was is not known."""
    return _HEADER.pack(number, QR | flags & (0x7800 | RD | CD) | rcode, 0, 0, 0, 0)
