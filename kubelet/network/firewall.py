"""The kubelet's own iptables chains: masquerade for pods, forwarding, host ports. Pure text.

Nothing here touches a chain of Docker's, kube-proxy's or the host's: they get one jump each, and the chains jumped
to are rewritten whole. Host ports follow the CNI portmap plugin's scheme: DNAT, and a mark for what is masqueraded."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256

from component.iptables import Jump
from kubelet.network.attachments import Attachment, HostPort
from kubelet.network.plan import BRIDGE, MULTICAST, NodePlan, pod_ranges
from kubelet.network.reach import Reach

MASQUERADE = "KUBELET-MASQ"
FORWARD = "KUBELET-FORWARD"
HOST_PORTS = "KUBELET-HOSTPORTS"
HOST_PORT_MARK = "KUBELET-HOSTPORT-MARK"
HOST_PORT_PREFIX = "KUBELET-HP-"
#: The bit of portmap: kube-proxy's are 0x4000 and 0x8000.
MARK = "0x2000/0x2000"

JUMPS = (
    Jump("filter", "FORWARD", ("-m", "comment", "--comment", "kubelet pod network", "-j", FORWARD), "last"),
    Jump("nat", "POSTROUTING", ("-m", "comment", "--comment", "kubelet pod network", "-j", MASQUERADE), "last"),
    *(
        Jump(
            "nat",
            chain,
            (
                "-m",
                "comment",
                "--comment",
                "kubelet host ports",
                "-m",
                "addrtype",
                "--dst-type",
                "LOCAL",
                "-j",
                HOST_PORTS,
            ),
            "last",
        )
        for chain in ("PREROUTING", "OUTPUT")
    ),
)


def chain_of(sandbox_id: str) -> str:
    """The chain with one sandbox's host ports."""
    return HOST_PORT_PREFIX + b32encode(sha256(sandbox_id.encode()).digest()).decode()[:16]


def render(node: NodePlan, reach: Reach, attachments: Sequence[Attachment], loaded: Sequence[str]) -> str:
    """The text for iptables-restore --noflush; of the host port chains `loaded` those not wanted go."""
    with_ports = sorted((a for a in attachments if a.host_ports), key=lambda a: a.sandbox_id)
    own = [chain_of(attachment.sandbox_id) for attachment in with_ports]
    gone = [chain for chain in loaded if chain not in own]
    ranges = pod_ranges(node, [attachment.address for attachment in attachments])
    lines = ["*filter", f":{FORWARD} - [0:0]"]
    lines += [f"-A {FORWARD} -{side} {cidr} -j ACCEPT" for cidr in ranges for side in ("s", "d")]
    lines += ["COMMIT", "*nat"]
    lines += [f":{chain} - [0:0]" for chain in (MASQUERADE, HOST_PORTS, HOST_PORT_MARK, *own, *gone)]
    lines.append(f"-A {HOST_PORT_MARK} -j MARK --set-xmark {MARK}")
    lines.append(f"-A {MASQUERADE} -m mark --mark {MARK} -j MASQUERADE")
    pods = list(dict.fromkeys((*ranges, *reach.cluster_cidrs)))
    if reach.tunnel:
        lines += [f"-A {MASQUERADE} -s {cidr} -o {reach.tunnel} -j RETURN" for cidr in pods]
        lines.append(f"-A {MASQUERADE} -o {reach.tunnel} -j MASQUERADE --random-fully")
    for cidr in (*pods, *(f"{address}/32" for address in reach.nodes), MULTICAST):
        lines.append(f"-A {MASQUERADE} -d {cidr} -j RETURN")
    for cidr in ranges:
        lines.append(f"-A {MASQUERADE} -s {cidr} ! -o {BRIDGE} -j MASQUERADE --random-fully")
    for attachment in with_ports:
        chain = chain_of(attachment.sandbox_id)
        for port in attachment.host_ports:
            lines += _host_port(node, attachment.address, chain, port)
    lines += [f"-X {chain}" for chain in gone]
    lines += ["COMMIT", ""]
    return "\n".join(lines)


def _host_port(node: NodePlan, address: str, chain: str, port: HostPort) -> list[str]:
    protocol = port.protocol.lower()
    everywhere = port.host_ip in ("", "0.0.0.0")
    match = f"-p {protocol}{'' if everywhere else f' -d {port.host_ip}/32'} -m {protocol} --dport {port.host_port}"
    lines = [f"-A {HOST_PORTS} {match} -j {chain}"]
    # From a pod of this node (hairpin) and from the node's loopback the answer must come back through the node.
    lines += [f"-A {chain} -s {source} {match} -j {HOST_PORT_MARK}" for source in (node.pod_cidr, "127.0.0.0/8")]
    lines.append(f"-A {chain} {match} -j DNAT --to-destination {address}:{port.container_port}")
    return lines


def host_port_chains(saved_nat: str) -> list[str]:
    """The host port chains in an iptables-save text of the nat table."""
    names = (line[1:].split(" ", 1)[0] for line in saved_nat.splitlines() if line.startswith(":"))
    return [name for name in names if name.startswith(HOST_PORT_PREFIX)]


def render_cleanup(saved_nat: str, saved_filter: str) -> str:
    """The text that removes every chain of ours, once the jumps are gone."""
    lines = []
    for table, saved in (("nat", saved_nat), ("filter", saved_filter)):
        names = [line[1:].split(" ", 1)[0] for line in saved.splitlines() if line.startswith(":KUBELET-")]
        if names:
            lines += [f"*{table}", *(f":{name} - [0:0]" for name in names), *(f"-X {name}" for name in names), "COMMIT"]
    return "\n".join([*lines, ""]) if lines else ""
