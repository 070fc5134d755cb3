"""What plugins are told of a pod: CNI_ARGS and the capability arguments. Pure.

The names are those of the conventions (https://www.cni.dev/docs/conventions/) and of the dockershim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubelet.network.sandbox_request import EGRESS, INGRESS, SandboxRequest, bandwidth

#: "No limit" in practice: 2 Gbit.
_BURST = 2**31 - 1


def cni_args(request: SandboxRequest) -> str:
    """CNI_ARGS."""
    pairs = {
        "IgnoreUnknown": "1",
        "K8S_POD_NAMESPACE": request.pod_namespace,
        "K8S_POD_NAME": request.pod_name,
        "K8S_POD_INFRA_CONTAINER_ID": request.sandbox_id,
        "K8S_POD_UID": request.pod_uid,
    }
    return ";".join(f"{key}={value}" for key, value in pairs.items())


def capability_args(request: SandboxRequest, pod_cidr: str) -> dict[str, Any]:
    """All that can be said; each plugin gets what it has a capability for. Raises NetworkError for a pod whose
    bandwidth annotations are none."""
    result: dict[str, Any] = {
        "portMappings": [
            {
                "hostPort": port.host_port,
                "containerPort": port.container_port,
                "protocol": port.protocol.lower(),
                "hostIP": port.host_ip,
            }
            for port in request.host_ports
        ]
    }
    rates = bandwidth(request.annotations)
    if rates:
        result["bandwidth"] = _bandwidth(rates)
    if pod_cidr:
        result["ipRanges"] = [[{"subnet": pod_cidr}]]
    if any(request.dns.values()):
        result["dns"] = {key: list(value) for key, value in request.dns.items() if value}
    return result


def _bandwidth(rates: Mapping[str, int]) -> dict[str, int]:
    result = {}
    for annotation, direction in ((INGRESS, "ingress"), (EGRESS, "egress")):
        if annotation in rates:
            result[f"{direction}Rate"] = rates[annotation]
            result[f"{direction}Burst"] = _BURST
    return result
