"""Answers out of the zone: the names of the Kubernetes DNS specification."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from dns.zone.lookup import Lookup, reverse_address
from dns.zone.records import AAAA, ANY, CNAME, NOERROR, NS, NXDOMAIN, PTR, SOA, SRV, TXT, A, Answer, Soa, Srv
from dns.zone.zone import Zone
from tests.unit.dns.objects import DNS, HTTP, NOW, endpoint_slice, service, zone_of


def ask(zone: Zone, name: str, qtype: int, **settings: object) -> Answer | None:
    return Lookup(zone, **settings).answer(tuple(name.split(".")), qtype)  # type: ignore[arg-type]


def data(zone: Zone, name: str, qtype: int, **settings: object) -> list[object]:
    answer = ask(zone, name, qtype, **settings)
    assert answer is not None and answer.rcode == NOERROR
    return [record.data for record in answer.records]


def assert_nothing(answer: Answer | None, rcode: int) -> None:
    assert answer is not None
    assert (answer.rcode, answer.records) == (rcode, ())
    assert [record.type for record in answer.authority] == [SOA]


def headless(*endpoints: Object | str, ports: list[Object] | None = None) -> Zone:
    return zone_of(
        (service(clusterIP="None", clusterIPs=["None"]), [endpoint_slice(*endpoints, ports=ports or [HTTP])])
    )


WEB = "web.default.svc.cluster.local"


def test_cluster_ip() -> None:
    zone = zone_of((service(ports=[HTTP, DNS]), []))
    assert data(zone, WEB, A) == ["10.96.0.7"]
    assert_nothing(ask(zone, WEB, AAAA), NOERROR)
    assert_nothing(ask(zone, "other.default.svc.cluster.local", A), NXDOMAIN)
    assert data(zone, "_http._tcp." + WEB, SRV) == [Srv(0, 100, 80, WEB)]
    assert data(zone, WEB, SRV) == [Srv(0, 50, 80, WEB), Srv(0, 50, 53, WEB)]
    assert_nothing(ask(zone, "_http._udp." + WEB, SRV), NXDOMAIN)
    assert_nothing(ask(zone, "_tcp." + WEB, SRV), NOERROR)
    assert_nothing(ask(zone, "_sctp." + WEB, SRV), NXDOMAIN)
    assert_nothing(ask(zone, "a.b.c." + WEB, A), NXDOMAIN)


def test_the_addresses_of_srv_targets_come_along() -> None:
    answer = ask(zone_of((service(ports=[HTTP]), [])), "_http._tcp." + WEB, SRV)
    assert answer is not None
    assert [(record.owner, record.type, record.data) for record in answer.additional] == [(WEB, A, "10.96.0.7")]


def test_dual_stack() -> None:
    zone = zone_of((service(clusterIPs=["10.96.0.7", "fd00:0::7"]), []))
    assert data(zone, WEB, A) == ["10.96.0.7"]
    assert data(zone, WEB, AAAA) == ["fd00::7"]
    assert data(zone, "7." + "0." * 27 + "0.0.d.f.ip6.arpa", PTR) == [WEB]


def test_a_service_without_an_address_yet_exists() -> None:
    assert_nothing(ask(zone_of((service(clusterIP=""), [])), WEB, A), NOERROR)


def test_headless_has_its_ready_endpoints() -> None:
    ready = {"addresses": ["10.244.0.5"], "hostname": "web-0", "conditions": {"ready": True}}
    unready = {"addresses": ["10.244.0.6"], "conditions": {"ready": False}}
    zone = headless(ready, unready, "10.244.0.7")
    assert data(zone, WEB, A) == ["10.244.0.5", "10.244.0.7"]
    assert data(zone, "web-0." + WEB, A) == ["10.244.0.5"]
    assert data(zone, "10-244-0-7." + WEB, A) == ["10.244.0.7"]
    assert_nothing(ask(zone, "10-244-0-6." + WEB, A), NXDOMAIN)
    targets = [Srv(0, 50, 80, "web-0." + WEB), Srv(0, 50, 80, "10-244-0-7." + WEB)]
    assert data(zone, "_http._tcp." + WEB, SRV) == targets
    answer = ask(zone, "_http._tcp." + WEB, SRV)
    assert answer is not None
    assert {record.data for record in answer.additional} == {"10.244.0.5", "10.244.0.7"}
    assert_nothing(ask(headless(unready), WEB, A), NXDOMAIN)


def test_headless_without_ports_has_addresses() -> None:
    zone = zone_of((service(clusterIP="None"), [endpoint_slice("10.244.0.5")]))
    assert data(zone, WEB, A) == ["10.244.0.5"]
    assert_nothing(ask(zone, WEB, SRV), NOERROR)


def test_slices_of_both_families_are_merged() -> None:
    four = endpoint_slice({"addresses": ["10.244.0.5"], "hostname": "web-0"}, ports=[HTTP])
    six = endpoint_slice({"addresses": ["fd01::5"], "hostname": "web-0"}, ports=[HTTP], family="IPv6")
    zone = zone_of((service(clusterIP="None"), [four, six]))
    assert data(zone, "web-0." + WEB, AAAA) == ["fd01::5"]
    assert data(zone, "_http._tcp." + WEB, SRV) == [Srv(0, 100, 80, "web-0." + WEB)]


def test_external_name() -> None:
    zone = zone_of((service(type="ExternalName", externalName="DB.Example.com."), []))
    for qtype in (A, AAAA):
        answer = ask(zone, WEB, qtype)
        assert answer is not None and answer.chase == "db.example.com"
        assert [(record.type, record.data) for record in answer.records] == [(CNAME, "db.example.com")]
    asked = ask(zone, WEB, CNAME)
    assert asked is not None and asked.chase == ""
    address = zone_of((service(type="ExternalName", externalName="192.0.2.1"), []))
    assert_nothing(ask(address, WEB, A), NXDOMAIN)


def test_reverse() -> None:
    endpoints = endpoint_slice({"addresses": ["10.244.0.5"], "hostname": "web-0"}, "10.244.0.6", ports=[HTTP])
    zone = zone_of((service(), [endpoints]))
    assert data(zone, "7.0.96.10.in-addr.arpa", PTR) == [WEB]
    assert data(zone, "5.0.244.10.in-addr.arpa", PTR) == ["web-0." + WEB]
    assert data(zone, "6.0.244.10.in-addr.arpa", PTR) == ["10-244-0-6." + WEB]
    assert ask(zone, "8.8.8.8.in-addr.arpa", PTR) is None
    assert ask(zone, "96.10.in-addr.arpa", PTR) is None
    assert_nothing(ask(zone, "7.0.96.10.in-addr.arpa", A), NOERROR)


@pytest.mark.parametrize(
    "name",
    ["1.2.3.in-addr.arpa", "256.0.0.1.in-addr.arpa", "01.0.0.1.in-addr.arpa", "x." + "0." * 31 + "ip6.arpa",
     "00." + "0." * 30 + "ip6.arpa", "10." + "0." * 30 + ".ip6.arpa"],
)  # fmt: skip
def test_a_reverse_name_that_is_no_address(name: str) -> None:
    assert reverse_address(tuple(name.split("."))) == ""


def test_pods() -> None:
    zone = zone_of()
    zone.put_pod("default", "p", ["10.244.0.5", "fd01::5"], now=NOW)
    name = "10-244-0-5.default.pod.cluster.local"
    other = "10-244-0-9.default.pod.cluster.local"
    assert data(zone, name, A) == data(zone, name, A, pods="verified") == ["10.244.0.5"]
    assert data(zone, "fd01--5.default.pod.cluster.local", AAAA, pods="verified") == ["fd01::5"]
    assert data(zone, other, A) == ["10.244.0.9"]
    assert_nothing(ask(zone, other, A, pods="verified"), NXDOMAIN)
    assert_nothing(ask(zone, name, A, pods="disabled"), NXDOMAIN)
    assert_nothing(ask(zone, "10-244-0-5.elsewhere.pod.cluster.local", A), NXDOMAIN)
    assert_nothing(ask(zone, "nonsense.default.pod.cluster.local", A), NXDOMAIN)
    assert_nothing(ask(zone, "default.pod.cluster.local", A), NOERROR)
    zone.put_pod("default", "p", [], now=NOW)
    assert_nothing(ask(zone, name, A, pods="verified"), NXDOMAIN)


@pytest.mark.parametrize(
    "name", ["svc.cluster.local", "default.svc.cluster.local", "pod.cluster.local", "cluster.local"]
)
def test_a_name_with_names_below_it_exists(name: str) -> None:
    assert_nothing(ask(zone_of(), name, A), NOERROR)


@pytest.mark.parametrize("name", ["x.cluster.local", "nowhere.svc.cluster.local", "web.nowhere.svc.cluster.local"])
def test_other_names_do_not(name: str) -> None:
    assert_nothing(ask(zone_of(), name, A), NXDOMAIN)


@pytest.mark.parametrize(
    "name", ["example.com", "local", "web.default.svc.cluster.local.example.com", "xcluster.local"]
)
def test_names_elsewhere_are_not_ours(name: str) -> None:
    assert ask(zone_of(), name, A) is None


def test_the_zone_itself() -> None:
    zone = zone_of((service("kube-dns", "kube-system", clusterIP="10.96.0.10"), []))
    assert data(zone, "dns-version.cluster.local", TXT) == ["1.1.0"]
    assert data(zone, "cluster.local", NS) == ["ns.dns.cluster.local"]
    assert data(zone, "ns.dns.cluster.local", A) == ["10.96.0.10"]
    soa = Soa("ns.dns.cluster.local", "hostmaster.cluster.local", NOW, minimum=30)
    assert data(zone, "cluster.local", SOA) == [soa]


def test_any_gives_all_there_is() -> None:
    answer = ask(zone_of((service(ports=[HTTP]), [])), WEB, ANY)
    assert answer is not None
    assert [record.type for record in answer.records] == [A, SRV]


def test_changes_replace_what_was() -> None:
    zone = zone_of((service(), [endpoint_slice("10.244.0.5")]))
    before = zone.version
    other = zone_of((service(clusterIP="10.96.0.8"), [endpoint_slice("10.244.0.6")])).service("default", "web")
    zone.put_service("default/web", other, now=NOW + 5)
    assert zone.version == before + 1
    assert data(zone, WEB, A) == ["10.96.0.8"]
    assert ask(zone, "7.0.96.10.in-addr.arpa", PTR) is None
    assert ask(zone, "5.0.244.10.in-addr.arpa", PTR) is None
    zone.put_service("default/web", other, now=NOW + 9)
    assert (zone.version, zone.serial) == (before + 1, NOW + 5)
    zone.put_service("default/web", None, now=NOW + 9)
    assert_nothing(ask(zone, WEB, A), NXDOMAIN)
    assert ask(zone, "8.0.96.10.in-addr.arpa", PTR) is None


def test_a_cluster_ip_that_moved_to_another_service_stays_with_it() -> None:
    zone = zone_of((service("a"), []), (service("b"), []))
    zone.put_service("default/a", None, now=NOW)
    assert data(zone, "7.0.96.10.in-addr.arpa", PTR) == ["b.default.svc.cluster.local"]
