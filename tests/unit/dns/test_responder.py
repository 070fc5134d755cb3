"""Where answers come from: zone, cache, or nobody yet."""

from __future__ import annotations

import dnslib
import pytest

from dns.responder import Responder
from dns.upstream.forwarder import Forwarder, ForwardSettings
from dns.wire.query import Query, parse_query
from dns.zone.lookup import Lookup
from dns.zone.model import service_records
from dns.zone.records import NXDOMAIN, REFUSED, SERVFAIL
from dns.zone.zone import Zone
from tests.unit.dns.objects import HTTP, NOW, endpoint_slice, service, zone_of

WEB = "web.default.svc.cluster.local"


def question(name: str = WEB, qtype: str = "A", qclass: str = "IN", number: int = 1) -> Query:
    record = dnslib.DNSRecord.question(name, qtype, qclass)
    record.header.id = number
    return parse_query(bytes(record.pack()))


def responder(zone: Zone, *, synced: bool = True) -> Responder:
    return Responder(Lookup(zone), Forwarder(ForwardSettings()), ttl_seconds=30, synced=lambda: synced)


def answered(found: Responder, query: Query) -> dnslib.DNSRecord:
    message = found.answer_now(query, query.udp_bytes)
    assert message is not None
    return dnslib.DNSRecord.parse(message)


def addresses(message: dnslib.DNSRecord) -> list[str]:
    return [str(rr.rdata) for rr in message.rr if rr.rtype == 1]


def test_the_same_question_again_gets_its_own_id_and_case() -> None:
    found = responder(zone_of((service(), [])))
    answered(found, question())
    again = answered(found, question("WEB.default.svc.CLUSTER.local", number=9))
    assert (again.header.id, str(again.q.qname)) == (9, "WEB.default.svc.CLUSTER.local.")
    assert [(str(rr.rname), str(rr.rdata)) for rr in again.rr] == [("WEB.default.svc.CLUSTER.local.", "10.96.0.7")]


def test_a_change_shows_at_once() -> None:
    zone = zone_of((service(), []))
    found = responder(zone)
    assert addresses(answered(found, question())) == ["10.96.0.7"]
    zone.put_service("default/web", service_records(service(clusterIP="10.96.0.8"), []), now=NOW)
    assert addresses(answered(found, question())) == ["10.96.0.8"]
    zone.put_service("default/web", None, now=NOW)
    assert answered(found, question()).header.rcode == NXDOMAIN


def test_each_endpoint_comes_first_in_turn() -> None:
    slices = [endpoint_slice("10.244.0.1", "10.244.0.2", "10.244.0.3", ports=[HTTP])]
    found = responder(zone_of((service(clusterIP="None"), slices)))
    firsts = [addresses(answered(found, question()))[0] for _ in range(9)]
    assert {first: firsts.count(first) for first in firsts} == {"10.244.0.1": 3, "10.244.0.2": 3, "10.244.0.3": 3}


def test_another_order_has_the_same_records_and_its_opt() -> None:
    six = endpoint_slice("fd01::1", "fd01::2", "fd01::3", ports=[HTTP], family="IPv6")
    found = responder(zone_of((service(clusterIP="None"), [six])))
    record = dnslib.DNSRecord.question(WEB, "AAAA")
    record.add_ar(dnslib.EDNS0(udp_len=1232))
    for _ in range(6):
        message = answered(found, parse_query(bytes(record.pack())))
        assert sorted(str(rr.rdata) for rr in message.rr) == ["fd01::1", "fd01::2", "fd01::3"]
        assert [rr.rtype for rr in message.ar] == [41]


def test_before_the_zone_is_known_its_names_fail() -> None:
    found = responder(zone_of(), synced=False)
    assert answered(found, question()).header.rcode == SERVFAIL
    assert answered(found, question("7.0.96.10.in-addr.arpa", "PTR")).header.rcode == SERVFAIL
    assert found.answer_now(question("example.com"), 512) is None


@pytest.mark.parametrize(("qtype", "qclass"), [("AXFR", "IN"), ("IXFR", "IN"), ("TXT", "CH"), ("A", "*")])
def test_what_nobody_gets(qtype: str, qclass: str) -> None:
    assert answered(responder(zone_of()), question(qtype=qtype, qclass=qclass)).header.rcode == REFUSED


def test_another_version_of_edns() -> None:
    record = dnslib.DNSRecord.question(WEB)
    record.add_ar(dnslib.EDNS0(version=1))
    found = answered(responder(zone_of()), parse_query(bytes(record.pack())))
    assert (found.header.rcode, found.ar[0].ttl >> 24) == (0, 1)


def test_an_alias_within_the_zone() -> None:
    alias = service("alias", type="ExternalName", externalName=WEB)
    found = answered(responder(zone_of((service(), []), (alias, []))), question("alias.default.svc.cluster.local"))
    assert [(str(rr.rname), str(rr.rdata)) for rr in found.rr] == [
        ("alias.default.svc.cluster.local.", WEB + "."), (WEB + ".", "10.96.0.7"),
    ]  # fmt: skip


def test_an_alias_to_nothing() -> None:
    alias = service("alias", type="ExternalName", externalName="gone.default.svc.cluster.local")
    found = answered(responder(zone_of((alias, []))), question("alias.default.svc.cluster.local"))
    assert (found.header.rcode, len(found.rr), found.auth[0].rtype) == (NXDOMAIN, 1, 6)


def test_aliases_in_a_circle() -> None:
    one = service("one", type="ExternalName", externalName="two.default.svc.cluster.local")
    two = service("two", type="ExternalName", externalName="one.default.svc.cluster.local")
    found = answered(responder(zone_of((one, []), (two, []))), question("one.default.svc.cluster.local"))
    assert found.header.rcode == SERVFAIL


async def test_without_other_servers() -> None:
    found = responder(zone_of())
    refused = dnslib.DNSRecord.parse(await found.answer_later(question("example.com"), 512))
    assert refused.header.rcode == REFUSED
    reverse = dnslib.DNSRecord.parse(await found.answer_later(question("9.9.9.9.in-addr.arpa", "PTR"), 512))
    assert reverse.header.rcode == NXDOMAIN
