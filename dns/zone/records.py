"""Records and answers as values, before anything of the wire. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

A, NS, CNAME, SOA, PTR, TXT, AAAA, SRV = 1, 2, 5, 6, 12, 16, 28, 33
OPT, IXFR, AXFR, ANY = 41, 251, 252, 255
ADDRESS_TYPES = (A, AAAA)


@dataclass(frozen=True, slots=True)
class Srv:
    """The data of an SRV record."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Soa:
    """The data of an SOA record; times in seconds."""

    primary: str
    mailbox: str
    serial: int
    refresh: int = 7200
    retry: int = 1800
    expire: int = 86400
    minimum: int = 30


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; names without the final dot. `data` is an address (A, AAAA), a name (CNAME, NS, PTR), a
    text (TXT), an `Srv` or a `Soa`. The owner "" is the name that was asked for, as the client wrote it."""

    owner: str
    type: int
    data: str | Srv | Soa


@dataclass(frozen=True, slots=True)
class Answer:
    """An authoritative answer. `chase`: a name outside whose addresses complete it (the target of a CNAME)."""

    rcode: int = NOERROR
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    chase: str = ""


def address_record(owner: str, address: str) -> Record:
    """An A or AAAA record."""
    return Record(owner, AAAA if ":" in address else A, address)


def of_type(records: Sequence[Record], qtype: int) -> tuple[Record, ...]:
    """Those that a question of this type asks for."""
    return tuple(record for record in records if qtype in (ANY, record.type))
