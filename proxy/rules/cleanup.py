"""The text that removes every chain of kube-proxy's, of whichever version. Pure."""

from __future__ import annotations

from proxy.rules import names
from proxy.rules.tables import Chains

_FIXED = (
    names.SERVICES,
    names.EXTERNAL_SERVICES,
    names.NODE_PORTS,
    names.POSTROUTING,
    names.MARK_MASQ,
    names.FORWARD,
    names.PROXY_FIREWALL,
    names.LOCALNET_FIREWALL,
    names.CANARY,
)


def cleanup_text(table: str, present: Chains) -> str:
    """The iptables-restore text for one table, "" where nothing of ours is in it. The jumps must be gone."""
    ours = sorted(chain for chain in present if chain in _FIXED or chain.startswith(names.PREFIXES))
    if not ours:
        return ""
    lines = [f"*{table}", *(f":{chain} - [0:0]" for chain in ours), *(f"-X {chain}" for chain in ours), "COMMIT", ""]
    return "\n".join(lines)
