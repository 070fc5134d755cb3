"""The kubelet's chains, checked by where packets go."""

from __future__ import annotations

from dataclasses import replace

from component.iptables import IptablesError
from kubelet.network import firewall
from kubelet.network.attachments import Attachment, HostPort
from kubelet.network.plan import node_plan
from kubelet.network.reach import Reach
from proxy.iptables.fake import FakePacketFilter
from proxy.iptables.tracer import End, Packet, trace

PLAN = node_plan("10.244.3.0/24", 1500)
NODE = "192.168.0.1"
REACH = Reach(("10.244.0.0/16",))
WEB = Attachment("a1", "uid", "10.244.3.5", (HostPort(8080, 80), HostPort(9000, 90, host_ip="127.0.0.1")))


async def loaded(*attachments: Attachment, reach: Reach = REACH) -> FakePacketFilter:
    packet_filter = FakePacketFilter()
    await sync(packet_filter, *attachments, reach=reach)
    return packet_filter


async def sync(packet_filter: FakePacketFilter, *attachments: Attachment, reach: Reach = REACH) -> None:
    loaded = firewall.host_port_chains(await packet_filter.save("nat"))
    await packet_filter.restore(firewall.render(PLAN, reach, attachments, loaded))
    for jump in firewall.JUMPS:
        await packet_filter.ensure_jump(jump)


def ends(packet_filter: FakePacketFilter, packet: Packet) -> set[End]:
    return trace(packet_filter.tables, packet, (NODE, "10.244.3.1"))


async def test_pods_leave_the_cluster_under_the_nodes_address_only() -> None:
    packet_filter = await loaded()
    assert ends(packet_filter, Packet("10.244.3.5", "198.51.100.1", 443)) == {End("ACCEPT", "198.51.100.1:443", True)}
    assert ends(packet_filter, Packet("10.244.3.5", "10.244.7.8", 80)) == {End("ACCEPT", "10.244.7.8:80")}
    assert ends(packet_filter, Packet("10.244.7.8", "10.244.3.5", 80)) == {End("ACCEPT", "10.244.3.5:80")}


async def test_only_what_comes_back_the_same_way_keeps_its_address() -> None:
    other_node = "192.168.0.2"
    asked, kept = Packet("10.244.3.5", other_node, 6443), End("ACCEPT", f"{other_node}:6443")
    direct = await loaded(reach=Reach(("10.244.0.0/16",), nodes=(other_node,)))
    assert ends(direct, asked) == {kept}
    tunnel = await loaded(reach=Reach(("10.244.0.0/16",), tunnel="vx"))
    assert ends(tunnel, asked) == {replace(kept, masqueraded=True)}
    for source, masqueraded in (("10.244.3.5", False), ("10.244.3.0", False), (NODE, True), ("172.17.0.2", True)):
        packet = Packet(source, "10.244.7.8", 80, out_link="vx")
        assert ends(tunnel, packet) == {End("ACCEPT", "10.244.7.8:80", masqueraded)}, source


async def test_host_ports() -> None:
    packet_filter = await loaded(WEB)
    reached = "10.244.3.5:80"
    assert ends(packet_filter, Packet("203.0.113.1", NODE, 8080)) == {End("ACCEPT", reached)}
    assert ends(packet_filter, Packet("10.244.3.5", NODE, 8080)) == {End("ACCEPT", reached, True)}
    local = Packet("127.0.0.1", "127.0.0.1", 8080, origin="local")
    assert ends(packet_filter, local) == {End("ACCEPT", reached, True)}
    assert ends(packet_filter, Packet("203.0.113.1", NODE, 9000)) == {End("ACCEPT", f"{NODE}:9000")}
    assert ends(packet_filter, Packet("203.0.113.1", NODE, 8080, "udp")) == {End("ACCEPT", f"{NODE}:8080")}


async def test_a_sandbox_that_goes_takes_its_chain_along() -> None:
    packet_filter = await loaded(WEB)
    await sync(packet_filter)
    assert not [chain for chain in packet_filter.tables["nat"] if chain.startswith(firewall.HOST_PORT_PREFIX)]


async def test_cleanup_leaves_nothing_and_touches_nobody() -> None:
    packet_filter = await loaded(WEB)
    packet_filter.tables["nat"]["DOCKER"] = [("-i", "docker0", "-j", "RETURN")]
    for jump in firewall.JUMPS:
        await packet_filter.delete_jump(jump)
    text = firewall.render_cleanup(await packet_filter.save("nat"), await packet_filter.save("filter"))
    await packet_filter.restore(text)
    untouched = FakePacketFilter()
    untouched.tables["nat"]["DOCKER"] = [("-i", "docker0", "-j", "RETURN")]
    assert packet_filter.tables == untouched.tables
    assert firewall.render_cleanup(await packet_filter.save("nat"), await packet_filter.save("filter")) == ""


async def test_the_fake_refuses_what_iptables_refuses() -> None:
    packet_filter = FakePacketFilter()
    for text in ("*nat\n-A NO -j ACCEPT\nCOMMIT\n", "*nat\n:A - [0:0]\n-A A -j B\nCOMMIT\n", "*nat\n-X A\nCOMMIT\n"):
        try:
            await packet_filter.restore(text)
        except IptablesError:
            continue
        raise AssertionError(text)
    assert packet_filter.tables == FakePacketFilter().tables
