"""Messages: what is read of a question, what is written as an answer; dnslib is the other side."""

from __future__ import annotations

import struct

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns.wire.query import BadQuery, NotAQuery, Query, parse_query
from dns.wire.relay import BadResponse, address_records, read_response, relay
from dns.wire.response import empty_response, question_message, response
from dns.zone.records import CNAME, NXDOMAIN, SERVFAIL, SRV, TXT, A, Answer, Record, Soa, Srv

NAME = "web.default.svc.cluster.local"


def asked(name: str = NAME, qtype: str = "A", *, edns: int = 0, dnssec_ok: bool = False) -> Query:
    record = dnslib.DNSRecord.question(name, qtype)
    record.header.id = 77
    if edns:
        record.add_ar(dnslib.EDNS0(flags="do" if dnssec_ok else "", udp_len=edns))
    return parse_query(bytes(record.pack()))


def test_a_question() -> None:
    query = asked("WEB.Default.svc.cluster.local", "SRV")
    assert (query.id, query.labels, query.qtype, query.qclass) == (77, tuple(NAME.split(".")), SRV, 1)
    assert query.name == b"\x03WEB\x07Default\x03svc\x07cluster\x05local\0"
    assert (query.edns_version, query.udp_bytes, query.dnssec_ok) == (None, 512, False)
    assert query.key == asked(qtype="SRV").key
    assert query.key != asked().key


@pytest.mark.parametrize(("said", "taken"), [(4096, 1232), (1000, 1000), (12, 512)])
def test_edns(said: int, taken: int) -> None:
    query = asked(edns=said, dnssec_ok=True)
    assert (query.edns_version, query.udp_bytes, query.dnssec_ok) == (0, taken, True)


def test_the_root() -> None:
    assert asked(".").labels == ()


@pytest.mark.parametrize("data", [b"", b"\0" * 11, struct.pack("!6H", 1, 0x8180, 1, 0, 0, 0) + b"\0\0\1\0\1"])
def test_what_gets_no_answer(data: bytes) -> None:
    with pytest.raises(NotAQuery):
        parse_query(data)


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        (struct.pack("!6H", 7, 0x0100, 0, 0, 0, 0), 1),
        (struct.pack("!6H", 7, 0x0100, 2, 0, 0, 0) + b"\0\0\1\0\1" * 2, 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\0\0\1", 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\x40" + b"a" * 64 + b"\0\0\1\0\1", 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1", 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 1) + b"\0\0\1\0\1", 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 2) + b"\0\0\1\0\1" + b"\0\0\x29\4\0\0\0\0\0\0\0" * 2, 1),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 1) + b"\0\0\1\0\1" + b"\0\0\x29\4\0\0\0\0\0\0\x09", 1),
        (struct.pack("!6H", 7, 0x2900, 1, 0, 0, 0) + b"\0\0\1\0\1", 4),
    ],
)
def test_what_is_wrong_is_told(data: bytes, rcode: int) -> None:
    with pytest.raises(BadQuery) as told:
        parse_query(data)
    header = dnslib.DNSRecord.parse(told.value.response).header
    assert (header.id, header.qr, header.rcode, told.value.rcode) == (7, 1, rcode, rcode)


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        query = parse_query(data)
    except (NotAQuery, BadQuery):
        return
    assert data[12:].startswith(query.name)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 60))
def test_a_damaged_answer_is_refused_or_handed_on(junk: bytes, at: int) -> None:
    query = asked()
    good = upstream_answer(query, dnslib.RR(NAME, A, ttl=9, rdata=dnslib.A("192.0.2.1")))
    damaged = good[:at] + junk + good[at + len(junk) :]
    try:
        answer = read_response(damaged, 5, query)
    except BadResponse:
        return
    assert relay(query, answer, age_seconds=1, max_ttl_seconds=30, limit=65535)[:2] == good[:0] + b"\0\x4d"


def parsed(message: bytes) -> dnslib.DNSRecord:
    return dnslib.DNSRecord.parse(message)


def test_an_answer_keeps_the_clients_case() -> None:
    query = asked("WEB.default.SVC.cluster.local", edns=4096)
    answer = Answer(0, (Record("", A, "10.96.0.7"), Record("", A, "10.96.0.8")))
    found = parsed(response(query, answer, ttl_seconds=30, limit=512))
    assert str(found.q.qname) == "WEB.default.SVC.cluster.local."
    assert [(str(rr.rname), rr.ttl, str(rr.rdata)) for rr in found.rr] == [
        ("WEB.default.SVC.cluster.local.", 30, "10.96.0.7"),
        ("WEB.default.SVC.cluster.local.", 30, "10.96.0.8"),
    ]
    header = found.header
    assert (header.id, header.aa, header.ra, header.rd, header.tc, header.rcode) == (77, 1, 1, 1, 0, 0)
    assert [(rr.rtype, rr.edns_len) for rr in found.ar] == [(41, 1232)]


def test_each_kind_of_data() -> None:
    records = (
        Record("", SRV, Srv(0, 50, 80, NAME)),
        Record("", TXT, "1.1.0"),
        Record("", 12, NAME),
        Record("", 2, "ns.dns.cluster.local"),
        Record("", 28, "fd00::7"),
        Record("cluster.local", 6, Soa("ns.dns.cluster.local", "hostmaster.cluster.local", 9)),
    )
    found = parsed(response(asked(), Answer(0, records), ttl_seconds=5, limit=65535))
    assert [str(rr.rdata) for rr in found.rr] == [
        f"0 50 80 {NAME}.", '"1.1.0"', f"{NAME}.", "ns.dns.cluster.local.", "fd00::7",
        "ns.dns.cluster.local. hostmaster.cluster.local. 9 7200 1800 86400 30",
    ]  # fmt: skip


def test_what_does_not_fit_is_truncated() -> None:
    many = tuple(Record("", A, f"10.244.0.{number}") for number in range(100))
    query = asked(edns=1232)
    assert parsed(response(query, Answer(0, many), ttl_seconds=30, limit=65535)).header.tc == 0
    cut = response(query, Answer(0, many), ttl_seconds=30, limit=query.udp_bytes)
    found = parsed(cut)
    assert (found.header.tc, found.rr, len(found.ar)) == (1, [], 1)


def test_additional_records_make_room_first() -> None:
    srv = tuple(Record("", SRV, Srv(0, 1, 80, f"h{number}.{NAME}")) for number in range(4))
    extra = tuple(Record(f"h{number}.{NAME}", A, "10.0.0.1") for number in range(40))
    found = parsed(response(asked(), Answer(0, srv, additional=extra), ttl_seconds=30, limit=512))
    assert (found.header.tc, len(found.rr), len(found.ar)) == (0, 4, 0)


def test_pointers_do_not_reach_beyond_their_14_bits() -> None:
    records = tuple(
        Record(f"h{number // 2}.{NAME}", A, f"10.1.{number // 200}.{number % 200}") for number in range(1600)
    )
    found = parsed(response(asked(), Answer(0, records), ttl_seconds=30, limit=65535))
    assert [str(rr.rname) for rr in found.rr] == [f"{record.owner}." for record in records]


def test_errors_carry_the_question() -> None:
    found = parsed(empty_response(asked(edns=1232), SERVFAIL))
    assert (found.header.rcode, str(found.q.qname), len(found.ar)) == (SERVFAIL, NAME + ".", 1)
    badvers = empty_response(asked(edns=1232), 16)
    assert badvers[3] & 0xF == 0 and parsed(badvers).ar[0].ttl >> 24 == 1


def upstream_answer(query: Query, *records: dnslib.RR, rcode: int = 0, soa: int | None = None) -> bytes:
    """What a server says to our question with the id 5."""
    message = parsed(question_message(5, query)).reply()
    message.header.rcode = rcode
    message.add_answer(*records)
    if soa is not None:
        message.add_auth(dnslib.RR("com", 6, ttl=900, rdata=dnslib.SOA("ns.com", "x.com", (1, 2, 3, 4, soa))))
    message.add_ar(dnslib.EDNS0(udp_len=4096))
    return bytes(message.pack())


def test_an_answer_from_elsewhere_is_handed_on() -> None:
    query = asked("Example.COM", "A")
    unknown = dnslib.RR("example.com", 65280, ttl=7, rdata=dnslib.RD(b"\x01\x02\xff"))
    address = dnslib.RR("example.com", A, ttl=600, rdata=dnslib.A("192.0.2.1"))
    answer = read_response(upstream_answer(query, address, unknown), 5, query)
    assert (answer.keep_seconds, answer.denial) == (7, False)
    found = parsed(relay(query, answer, age_seconds=4, max_ttl_seconds=30, limit=512))
    assert (found.header.id, found.header.ra, found.header.aa, str(found.q.qname)) == (77, 1, 0, "Example.COM.")
    assert [(rr.rtype, rr.ttl) for rr in found.rr] == [(A, 26), (65280, 3)]
    assert bytes(found.rr[1].rdata.data) == b"\x01\x02\xff"
    assert found.ar == []
    with_edns = parsed(relay(asked("example.com", edns=1232), answer, age_seconds=0, max_ttl_seconds=30, limit=512))
    assert len(with_edns.ar) == 1


def test_denials_are_kept_as_their_soa_says() -> None:
    query = asked("nx.com")
    assert read_response(upstream_answer(query, rcode=NXDOMAIN, soa=60), 5, query).keep_seconds == 60
    empty = read_response(upstream_answer(query, soa=60), 5, query)
    assert (empty.keep_seconds, empty.denial) == (60, True)
    assert read_response(upstream_answer(query, rcode=NXDOMAIN), 5, query).keep_seconds == 0
    assert read_response(upstream_answer(query, rcode=SERVFAIL), 5, query).keep_seconds == 5


def test_answers_to_other_questions_are_refused() -> None:
    query = asked("example.com")
    for number, other in ((6, query), (5, asked("example.org")), (5, asked("example.com", "AAAA"))):
        with pytest.raises(BadResponse):
            read_response(upstream_answer(other), number, query)
    with pytest.raises(BadResponse):
        read_response(question_message(5, query), 5, query)


def test_the_target_of_an_alias() -> None:
    query = asked("db.example.com")
    alias = dnslib.RR("db.example.com", CNAME, ttl=50, rdata=dnslib.CNAME("x.example.com"))
    address = dnslib.RR("x.example.com", A, ttl=20, rdata=dnslib.A("192.0.2.1"))
    records, least = address_records(query, read_response(upstream_answer(query, alias, address), 5, query))
    assert records == (Record("db.example.com", CNAME, "x.example.com"), Record("x.example.com", A, "192.0.2.1"))
    assert least == 20
