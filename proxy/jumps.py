"""The rules in the kernel's own chains that lead into kube-proxy's: the only ones outside our chains."""

from __future__ import annotations

from component.iptables import Jump
from proxy.rules import names
from proxy.rules.tables import Tables

CANARY_TABLES = ("mangle", "nat", "filter")


def jumps() -> tuple[Jump, ...]:
    """The rules in built-in chains that lead into ours."""
    new = ("-m", "conntrack", "--ctstate", "NEW")
    table = [
        ("filter", "INPUT", names.EXTERNAL_SERVICES, "kubernetes externally-visible service portals", new),
        ("filter", "FORWARD", names.EXTERNAL_SERVICES, "kubernetes externally-visible service portals", new),
        ("filter", "INPUT", names.NODE_PORTS, "kubernetes health check service ports", ()),
        ("filter", "FORWARD", names.SERVICES, "kubernetes service portals", new),
        ("filter", "OUTPUT", names.SERVICES, "kubernetes service portals", new),
        ("filter", "FORWARD", names.FORWARD, "kubernetes forwarding rules", ()),
        ("filter", "INPUT", names.PROXY_FIREWALL, "kubernetes load balancer firewall", new),
        ("filter", "OUTPUT", names.PROXY_FIREWALL, "kubernetes load balancer firewall", new),
        ("filter", "FORWARD", names.PROXY_FIREWALL, "kubernetes load balancer firewall", new),
        ("filter", "INPUT", names.LOCALNET_FIREWALL, "", ()),
        ("filter", "OUTPUT", names.LOCALNET_FIREWALL, "", ()),
        ("nat", "OUTPUT", names.SERVICES, "kubernetes service portals", ()),
        ("nat", "PREROUTING", names.SERVICES, "kubernetes service portals", ()),
        ("nat", "POSTROUTING", names.POSTROUTING, "kubernetes postrouting rules", ()),
    ]
    made = []
    for owner, chain, target, comment, extra in table:
        said = ("-m", "comment", "--comment", comment) if comment else ()
        made.append(Jump(owner, chain, (*extra, *said, "-j", target), "first"))
    return tuple(made)


def missing_targets(present: Tables) -> str:
    """The iptables-restore text that makes the chains jumped to where they are missing, and touches no other."""
    text = ""
    for table, chains in (("nat", present.nat), ("filter", present.filter)):
        targets = sorted({jump.rule[-1] for jump in jumps() if jump.table == table} - chains.keys())
        if targets:
            text += f"*{table}\n" + "".join(f":{target} - [0:0]\n" for target in targets) + "COMMIT\n"
    return text
