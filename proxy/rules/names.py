"""The names of chains: fixed ones, and hashed ones that are the same on every node and after every start. Pure."""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256

SERVICES = "KUBE-SERVICES"
EXTERNAL_SERVICES = "KUBE-EXTERNAL-SERVICES"
NODE_PORTS = "KUBE-NODEPORTS"
POSTROUTING = "KUBE-POSTROUTING"
MARK_MASQ = "KUBE-MARK-MASQ"
FORWARD = "KUBE-FORWARD"
PROXY_FIREWALL = "KUBE-PROXY-FIREWALL"
LOCALNET_FIREWALL = "KUBE-FIREWALL"
CANARY = "KUBE-PROXY-CANARY"

CLUSTER_POLICY = "KUBE-SVC-"
LOCAL_POLICY = "KUBE-SVL-"
EXTERNAL = "KUBE-EXT-"
FIREWALL = "KUBE-FW-"
ENDPOINT = "KUBE-SEP-"
#: Chains with these beginnings are ours alone; KUBE-XLB- is from versions before 1.24.
PREFIXES = (CLUSTER_POLICY, LOCAL_POLICY, EXTERNAL, FIREWALL, ENDPOINT, "KUBE-XLB-")

MAX_LENGTH = 28


def service_chain(prefix: str, full_name: str, protocol: str) -> str:
    """The chain of a service port: the reference's own hash, so that either proxy takes over from the other."""
    return prefix + _digest(full_name + protocol)


@lru_cache(maxsize=65536)
def endpoint_chain(full_name: str, protocol: str, target: str) -> str:
    """The chain of one endpoint ("ip:port") of a service port."""
    return ENDPOINT + _digest(full_name + protocol + target)


def _digest(text: str) -> str:
    return b32encode(sha256(text.encode()).digest()).decode()[:16]
