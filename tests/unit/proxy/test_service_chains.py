"""Where packets go: each kind of address, traffic policy and endpoint state, traced through the rules."""

from __future__ import annotations

import pytest

from proxy.iptables.tracer import Packet
from proxy.rules import names
from proxy.rules.model import NodeSettings
from tests.unit.proxy.node import CLIENT, CLUSTER_CIDR, DROPPED, NODE_IP, POD, REFUSED, Node, to
from tests.unit.proxy.objects import endpoint, endpoint_slice, service

TWO = endpoint_slice("web", endpoint("10.244.0.5"), endpoint("10.244.1.7", "n2"))
BOTH = ("10.244.0.5:8080", "10.244.1.7:8080")
NODE_PORT = [{"port": 80, "protocol": "TCP", "nodePort": 30001}]


async def test_a_cluster_ip_reaches_every_endpoint_and_masquerades_what_is_not_a_pod() -> None:
    node = await Node().with_objects(service(), TWO)
    assert node.from_pod("10.96.0.10") == to(*BOTH)
    assert node.from_node("10.96.0.10") == to(*BOTH, masqueraded=True)
    assert node.from_outside("10.96.0.10") == to(*BOTH, masqueraded=True)
    assert node.from_pod("10.96.0.10", 81) == to("10.96.0.10:81"), "another port is not the service's"


async def test_a_pod_that_reaches_itself_is_masqueraded() -> None:
    node = await Node().with_objects(service(), endpoint_slice("web", endpoint(POD)))
    assert node.from_pod("10.96.0.10") == to(f"{POD}:8080", masqueraded=True)


async def test_masquerade_all_spares_nobody() -> None:
    node = await Node(NodeSettings(cluster_cidr=CLUSTER_CIDR, masquerade_all=True)).with_objects(service(), TWO)
    assert node.from_pod("10.96.0.10") == to(*BOTH, masqueraded=True)


@pytest.mark.parametrize("address", [NODE_IP, "10.244.0.1"])
async def test_a_node_port_answers_on_every_address_of_the_node(address: str) -> None:
    node = await Node().with_objects(service(type="NodePort", ports=NODE_PORT), TWO)
    assert node.from_outside(address, 30001) == to(*BOTH, masqueraded=True)
    assert node.from_pod(address, 30001) == to(*BOTH, masqueraded=True)
    assert node.from_node(address, 30001) == to(*BOTH, masqueraded=True)
    assert node.from_node("127.0.0.1", 30001, "127.0.0.1") == to(*BOTH, masqueraded=True)
    assert node.from_outside("198.51.100.1", 30001) == to("198.51.100.1:30001"), "another machine's port"


async def test_node_port_addresses_and_localhost_can_be_excluded() -> None:
    node = await Node(NodeSettings(node_port_addresses=(NODE_IP,))).with_objects(
        service(type="NodePort", ports=NODE_PORT), TWO
    )
    assert node.from_outside(NODE_IP, 30001) == to(*BOTH, masqueraded=True)
    assert node.from_outside("10.244.0.1", 30001) == to("10.244.0.1:30001")
    node = await Node(NodeSettings(localhost_node_ports=False)).with_objects(
        service(type="NodePort", ports=NODE_PORT), TWO
    )
    assert node.from_node("127.0.0.1", 30001, "127.0.0.1") == to("127.0.0.1:30001")
    node = await Node(NodeSettings(node_port_addresses=())).with_objects(service(type="NodePort", ports=NODE_PORT), TWO)
    assert node.from_outside(NODE_IP, 30001) == to(f"{NODE_IP}:30001"), "no address is in the ranges for now"


@pytest.mark.parametrize("link", ["cni0", "cni+"])
async def test_pods_can_be_told_by_the_link_they_come_from(link: str) -> None:
    web = service(type="NodePort", ports=NODE_PORT, externalTrafficPolicy="Local")
    node = await Node(NodeSettings(pod_link=link)).with_objects(web, endpoint_slice("web", endpoint("10.9.0.7", "n2")))
    assert node.ends(Packet(POD, "10.96.0.10", 80, link="cni0")) == to("10.9.0.7:8080")
    assert node.ends(Packet(POD, "10.96.0.10", 80, link="eth0")) == to("10.9.0.7:8080", masqueraded=True)
    assert node.ends(Packet(POD, NODE_IP, 30001, link="cni0")) == to("10.9.0.7:8080")
    assert node.ends(Packet(POD, NODE_IP, 30001, link="eth0")) == DROPPED


HINTED = endpoint_slice(
    "web",
    {**endpoint("10.244.0.5"), "hints": {"forZones": [{"name": "a"}]}},
    {**endpoint("10.244.1.7", "n2"), "hints": {"forZones": [{"name": "b"}, {"name": "a"}]}},
    {**endpoint("10.244.1.8", "n2"), "hints": {"forZones": [{"name": "b"}]}},
)
ALL_HINTED = (*BOTH, "10.244.1.8:8080")


@pytest.mark.parametrize(
    ("annotations", "zone", "wanted"),
    [
        ({"service.kubernetes.io/topology-mode": "Auto"}, "a", BOTH),
        ({"service.kubernetes.io/topology-aware-hints": "auto"}, "a", BOTH),
        ({"service.kubernetes.io/topology-mode": "Disabled"}, "a", ALL_HINTED),
        ({}, "a", ALL_HINTED),
        ({"service.kubernetes.io/topology-mode": "Auto"}, "", ALL_HINTED),
        ({"service.kubernetes.io/topology-mode": "Auto"}, "c", ALL_HINTED),
    ],
)
async def test_traffic_stays_in_the_zone_that_the_hints_name(
    annotations: dict[str, str], zone: str, wanted: tuple[str, ...]
) -> None:
    web = service()
    web["metadata"]["annotations"] = annotations
    node = await Node(NodeSettings(zone=zone)).with_objects(web, HINTED)
    assert node.from_pod("10.96.0.10") == to(*wanted)


async def test_an_endpoint_without_hint_makes_all_of_them_serve() -> None:
    web = service()
    web["metadata"]["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
    more = endpoint_slice("web", endpoint("10.244.2.1"), name="web-more")
    node = await Node(NodeSettings(zone="a")).with_objects(web, HINTED, more)
    assert node.from_pod("10.96.0.10") == to(*ALL_HINTED, "10.244.2.1:8080")
    not_ready = endpoint_slice("web", endpoint("10.244.2.1", ready=False), name="web-more")
    await node.with_objects(not_ready)
    assert node.from_pod("10.96.0.10") == to(*BOTH), "one that is not ready needs none"


async def test_rules_follow_the_node() -> None:
    web = service(type="NodePort", ports=NODE_PORT)
    web["metadata"]["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
    node = await Node(NodeSettings(zone="a", node_port_addresses=(NODE_IP,))).with_objects(web, HINTED)
    before = len(node.filter.restored)
    node.proxier.use_node(NodeSettings(zone="b", node_port_addresses=("10.244.0.1",)))
    await node.proxier.sync()
    assert len(node.filter.restored) == before + 1
    assert node.from_pod("10.96.0.10") == to(*ALL_HINTED[1:])
    assert node.from_outside(NODE_IP, 30001) == to(f"{NODE_IP}:30001")
    assert node.from_outside("10.244.0.1", 30001) == to(*ALL_HINTED[1:], masqueraded=True)
    node.proxier.use_node(NodeSettings(zone="b", node_port_addresses=("10.244.0.1",)))
    await node.proxier.sync()
    assert len(node.filter.restored) == before + 1, "nothing changed"


async def test_nothing_behind_a_service_is_refused_wherever_it_is_asked() -> None:
    node = await Node().with_objects(
        service(
            type="LoadBalancer",
            ports=NODE_PORT,
            externalIPs=["198.51.100.5"],
            status={"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}},
        )
    )
    for address in ("10.96.0.10", "198.51.100.5", "198.51.100.9"):
        assert node.from_pod(address) == REFUSED
        assert node.from_outside(address) == REFUSED
    assert node.from_node("10.96.0.10") == REFUSED
    assert node.from_outside(NODE_IP, 30001) == REFUSED


async def test_external_and_load_balancer_addresses() -> None:
    node = await Node().with_objects(
        service(
            type="LoadBalancer",
            externalIPs=["198.51.100.5"],
            status={"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}, {"hostname": "lb.example"}]}},
        ),
        TWO,
    )
    for address in ("198.51.100.5", "198.51.100.9"):
        assert node.from_outside(address) == to(*BOTH, masqueraded=True)
        assert node.from_pod(address) == to(*BOTH, masqueraded=True)


async def test_source_ranges_bind_the_load_balancer_only() -> None:
    node = await Node().with_objects(
        service(
            type="LoadBalancer",
            ports=NODE_PORT,
            loadBalancerSourceRanges=["203.0.113.0/29", " 2001:db8::/32"],
            status={"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}},
        ),
        TWO,
    )
    assert node.from_outside("198.51.100.9", source="203.0.113.7") == to(*BOTH, masqueraded=True)
    assert node.from_outside("198.51.100.9", source="203.0.113.8") == DROPPED
    assert node.from_outside(NODE_IP, 30001, source="203.0.113.8") == to(*BOTH, masqueraded=True)
    assert node.from_pod("10.96.0.10") == to(*BOTH)


async def test_external_policy_local_keeps_the_client_and_the_node() -> None:
    web = service(type="NodePort", ports=NODE_PORT, externalTrafficPolicy="Local")
    node = await Node().with_objects(web, TWO)
    assert node.from_outside(NODE_IP, 30001) == to(BOTH[0])
    assert node.from_pod(NODE_IP, 30001) == to(*BOTH), "what starts inside may go anywhere"
    assert node.from_node(NODE_IP, 30001) == to(*BOTH, masqueraded=True)
    assert node.from_pod("10.96.0.10") == to(*BOTH)
    node = await Node().with_objects(web, endpoint_slice("web", endpoint("10.244.1.7", "n2")))
    assert node.from_outside(NODE_IP, 30001) == DROPPED, "another node may have endpoints"
    assert node.from_pod(NODE_IP, 30001) == to(BOTH[1])


async def test_internal_policy_local() -> None:
    web = service(internalTrafficPolicy="Local")
    node = await Node().with_objects(web, TWO)
    assert node.from_pod("10.96.0.10") == to(BOTH[0])
    node = await Node().with_objects(web, endpoint_slice("web", endpoint("10.244.1.7", "n2")))
    assert node.from_pod("10.96.0.10") == DROPPED


async def test_both_policies_local() -> None:
    web = service(type="NodePort", ports=NODE_PORT, externalTrafficPolicy="Local", internalTrafficPolicy="Local")
    node = await Node().with_objects(web, TWO)
    assert node.from_pod("10.96.0.10") == to(BOTH[0])
    assert node.from_outside(NODE_IP, 30001) == to(BOTH[0])
    assert node.from_pod(NODE_IP, 30001) == to(*BOTH)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([{"ready": True}, {"ready": False, "serving": True, "terminating": True}], to("10.244.0.1:8080")),
        ([{"ready": False, "serving": True, "terminating": True}, {"ready": False}], to("10.244.0.1:8080")),
        ([{"ready": False, "serving": False, "terminating": True}, {"ready": False}], REFUSED),
        ([{}, {"ready": False}], to("10.244.0.1:8080")),
    ],
)
async def test_endpoints_that_terminate_serve_only_for_want_of_ready_ones(
    states: list[dict[str, bool]], wanted: set[object]
) -> None:
    entries = [endpoint(f"10.244.0.{number}", **state) for number, state in enumerate(states, 1)]
    node = await Node().with_objects(service(), endpoint_slice("web", *entries))
    assert node.from_pod("10.96.0.10") == wanted


async def test_session_affinity_sends_a_known_client_where_it_was() -> None:
    web = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}})
    node = await Node().with_objects(web, TWO)
    known = names.endpoint_chain("default/web", "tcp", BOTH[1])
    assert node.ends(Packet(POD, "10.96.0.10", 80)) == to(*BOTH)
    assert node.ends(Packet(POD, "10.96.0.10", 80, seen=frozenset({known}))) == to(BOTH[1])
    assert any("--seconds 60 " in text for text in node.filter.restored)


async def test_ports_of_a_service_by_name_and_protocol() -> None:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    node = await Node().with_objects(
        service(ports=ports),
        endpoint_slice("web", endpoint("10.244.0.5"), port=5353, port_name="dns", protocol="UDP"),
    )
    assert node.from_outside("10.96.0.10", 53, POD, "udp") == to("10.244.0.5:5353")
    assert node.from_pod("10.96.0.10", 53) == REFUSED


async def test_a_health_check_node_port_is_let_in() -> None:
    node = await Node().with_objects(
        service(
            type="LoadBalancer",
            externalTrafficPolicy="Local",
            healthCheckNodePort=32000,
            status={"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}},
        ),
        TWO,
    )
    assert any("--dport 32000 -j ACCEPT" in " ".join(rule) for rule in map_rules(node))
    await node.proxier._health_ports.close()


def map_rules(node: Node) -> list[tuple[str, ...]]:
    """The rules of KUBE-NODEPORTS in the filter table."""
    return list(node.filter.tables["filter"]["KUBE-NODEPORTS"])


async def test_neighbours_cannot_use_route_localnet() -> None:
    node = await Node().with_objects(service(), TWO)
    assert node.from_outside("127.0.0.1", 22) == DROPPED
    assert node.from_node("127.0.0.1", 22, "127.0.0.1") == to("127.0.0.1:22")
    assert node.from_outside(NODE_IP, 22, CLIENT) == to(f"{NODE_IP}:22")
