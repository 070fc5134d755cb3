"""Which pods stand behind a Service, and on which ports: what endpoints and endpoint slices agree on. Pure.

The rules are those of k8s.io/endpointslice and the endpoints controller (pkg/controller/util/endpoint)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time, is_deleting, labels_of, parse_time
from controller.pods import is_finished, is_ready

LAST_CHANGE_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS_LABEL = "service.kubernetes.io/headless"


def selector_of(service: Object) -> dict[str, str]:
    """The Service's selector; empty where its endpoints are kept by someone else (or nobody)."""
    selector: dict[str, str] = service["spec"].get("selector") or {}
    return {} if service["spec"].get("type") == "ExternalName" else selector


def selects(service: Object, pod: Object) -> bool:
    """Whether the pod carries every label that the Service asks for."""
    selector = selector_of(service)
    labels = labels_of(pod)
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def has_address(pod: Object) -> bool:
    """Whether the pod can have an endpoint: it has an address and has not come to its end."""
    return bool((pod.get("status") or {}).get("podIP")) and not is_finished(pod)


def publishes_not_ready(service: Object) -> bool:
    """Whether pods count although they are not ready."""
    return bool(service["spec"].get("publishNotReadyAddresses"))


def is_headless(service: Object) -> bool:
    """Whether the Service has no cluster IP of its own."""
    return bool(service["spec"].get("clusterIP") == "None")


def addresses(pod: Object) -> list[str]:
    """The pod's addresses, one per family."""
    status = pod.get("status") or {}
    listed = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    return listed or ([status["podIP"]] if status.get("podIP") else [])


def address_type(address: str) -> str:
    """The EndpointSlice address type of an IP."""
    return "IPv6" if ":" in address else "IPv4"


def resolve_port(pod: Object, port: Object) -> int | None:
    """The pod's port number behind a Service port: a named target is looked up in the containers; None: it has none."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    containers = pod["spec"].get("containers") or ()
    sidecars = [c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*containers, *sidecars]:
        for declared in container.get("ports") or ():
            if declared.get("name") == target and (declared.get("protocol") or "TCP") == protocol:
                number: int = declared["containerPort"]
                return number
    return None


def endpoint_ports(service: Object, pod: Object) -> list[dict[str, Any]]:
    """The EndpointPorts of this pod for this Service; a port that the pod does not have is left out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = resolve_port(pod, port)
        if number is None:
            continue
        entry = {"name": port.get("name") or "", "port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        ports.append(entry)
    return ports


def hostname_of(service: Object, pod: Object) -> str:
    """The endpoint's hostname: that of a pod whose subdomain is this headless Service's name."""
    spec = pod["spec"]
    matches = spec.get("subdomain") == service["metadata"]["name"]
    hostname: str = spec.get("hostname") or ""
    return hostname if matches else ""


def target_ref(pod: Object) -> dict[str, str]:
    """The reference from an endpoint to its pod."""
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def trigger_time(service: Object, pods: list[Object]) -> str:
    """When the newest change that these endpoints tell of happened: of the Service, or of a pod's readiness."""
    moments = [service["metadata"].get("creationTimestamp")]
    for pod in pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "Ready":
                moments.append(condition.get("lastTransitionTime"))
    newest: datetime | None = max((parse_time(moment) for moment in moments if moment), default=None)
    return format_time(newest) if newest else ""


def endpoint_state(pod: Object) -> tuple[Any, ...]:
    """All of a pod that endpoints depend on: where two of them are equal, nothing has to be done."""
    spec = pod["spec"]
    return (
        labels_of(pod), addresses(pod), is_ready(pod), is_deleting(pod), spec.get("nodeName"),
        has_address(pod), spec.get("hostname"), spec.get("subdomain"),
    )  # fmt: skip
