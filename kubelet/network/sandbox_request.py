"""What a network must know of a pod to attach its sandbox. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object, annotations_of, name_of, namespace_of, uid_of
from apimachinery.quantity import parse
from kubelet.network.attachments import HostPort
from kubelet.network.errors import NetworkError

INGRESS, EGRESS = "kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"
_LEAST, _MOST = 1_000, 10**15


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One sandbox, by the process `pid` that holds its network namespace."""

    sandbox_id: str
    pid: int
    pod_uid: str
    pod_namespace: str = ""
    pod_name: str = ""
    host_ports: tuple[HostPort, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    dns: Mapping[str, Any] = field(default_factory=dict)  #: servers, searches, options: each a list


def sandbox_request(pod: Object, sandbox_id: str, pid: int, dns: Mapping[str, Any]) -> SandboxRequest:
    """The request for a pod's sandbox."""
    return SandboxRequest(
        sandbox_id, pid, uid_of(pod), namespace_of(pod), name_of(pod), host_ports(pod), annotations_of(pod), dns
    )


def host_ports(pod: Object) -> tuple[HostPort, ...]:
    """The node's ports that lead to the pod."""
    return tuple(
        HostPort(port["hostPort"], port["containerPort"], port.get("protocol") or "TCP", port.get("hostIP") or "")
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def bandwidth(annotations: Mapping[str, str]) -> dict[str, int]:
    """Bits per second by annotation, those that are set; raises NetworkError for what is no reasonable rate
    (pkg/util/bandwidth: 1 kbit/s to 1 Pbit/s)."""
    rates = {}
    for annotation in (INGRESS, EGRESS):
        text = annotations.get(annotation)
        if text is None:
            continue
        try:
            rate = parse(text).value()
        except ValueError as error:
            raise NetworkError(f"failed to get pod bandwidth from annotations: {error}") from error
        if not _LEAST <= rate <= _MOST:
            word = "small (< 1kbit)" if rate < _LEAST else "large (> 1Pbit)"
            raise NetworkError(f"failed to get pod bandwidth from annotations: resource is unreasonably {word}")
        rates[annotation] = rate
    return rates
