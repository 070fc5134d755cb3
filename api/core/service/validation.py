"""The rules of a Service's spec; those of its cluster IPs and families are in `clusterips.py`. Pure.

A Service is checked before its addresses and ports are given out, so nothing here asks for an allocated value."""

from __future__ import annotations

from typing import Any

from api.core.addresses import validate_non_special_ip
from api.core.pod.containers import PROTOCOLS
from api.core.pod.probes import validate_port_or_name
from api.core.service.clusterips import is_headless, validate_cluster_ips
from api.gosyntax import int_or_string, raw
from api.validation import names
from api.validation.objectmeta import validate_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
KUBELET_PORT = 10250
_AFFINITIES = ("ClientIP", "None")
_TRAFFIC = ("Cluster", "Local")
_MAX_AFFINITY_SECONDS = 86400
_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_BALANCER = "may only be used when `type` is 'LoadBalancer'"


def validate_service(service: Object) -> list[FieldError]:
    """ValidateService."""
    spec: dict[str, Any] = service["spec"]
    errors = _validate_topology(annotations_of(service))
    ports = spec.get("ports") or ()
    headless, kind = is_headless(spec), spec.get("type") or ""
    if not ports and not headless and kind != "ExternalName":
        errors.append(fe.required("spec.ports"))
    _validate_type(spec, headless, errors)
    seen: set[str] = set()
    for index, port in enumerate(ports):
        _validate_port(port, len(ports) > 1, seen, f"spec.ports[{index}]", errors)
    errors += validate_labels(spec.get("selector") or {}, "spec.selector")
    _validate_affinity(spec, errors)
    errors += validate_cluster_ips(spec)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        problems = [fe.invalid(f"spec.externalIPs[{index}]", address, text) for text in names.ip_address(address)]
        errors += problems or validate_non_special_ip(address, f"spec.externalIPs[{index}]")
    if kind not in TYPES:
        errors.append(fe.not_supported("spec.type", kind, TYPES) if kind else fe.required("spec.type"))
    _validate_port_uses(spec, errors)
    _validate_load_balancer(service, errors)
    return errors + _validate_traffic(spec)


def _validate_topology(annotations: dict[str, str]) -> list[FieldError]:
    mode = annotations.get(_MODE)
    if mode is not None and _HINTS in annotations and mode != annotations[_HINTS]:
        text = f"must match annotations[{_HINTS}] when both are specified"
        return [fe.invalid(f"metadata.annotations[{_MODE}]", mode, text)]
    return []


def _validate_type(spec: dict[str, Any], headless: bool, errors: list[FieldError]) -> None:
    kind = spec.get("type")
    if kind == "LoadBalancer":
        for index, port in enumerate(spec.get("ports") or ()):
            if port.get("port") == KUBELET_PORT:
                text = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
                errors.append(fe.invalid(f"spec.ports[{index}]", KUBELET_PORT, text))
    if kind in ("LoadBalancer", "NodePort") and headless:
        errors.append(fe.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind != "ExternalName":
        return
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            errors.append(fe.forbidden(f"spec.{field}", "may not be set for ExternalName services"))
    name = (spec.get("externalName") or "").removesuffix(".")
    if not name:
        errors.append(fe.required("spec.externalName"))
    errors.extend(fe.invalid("spec.externalName", name, t) for t in (names.dns1123_subdomain(name) if name else ()))


def _validate_port(port: dict[str, Any], named: bool, seen: set[str], path: str, errors: list[FieldError]) -> None:
    name, number, protocol = port.get("name") or "", port.get("port") or 0, port.get("protocol") or ""
    if named and not name:
        errors.append(fe.required(f"{path}.name"))
    elif name:
        errors.extend(fe.invalid(f"{path}.name", name, text) for text in names.dns1123_label(name))
        if name in seen:
            errors.append(fe.duplicate(f"{path}.name", name))
        seen.add(name)
    errors.extend(fe.invalid(f"{path}.port", number, text) for text in names.port_number(number))
    if protocol not in PROTOCOLS:
        field = f"{path}.protocol"
        errors.append(fe.not_supported(field, protocol, PROTOCOLS) if protocol else fe.required(field))
    validate_port_or_name(port.get("targetPort"), f"{path}.targetPort", errors)
    application = port.get("appProtocol")
    if application is not None:
        field = f"{path}.appProtocol"
        errors.extend(fe.invalid(field, application, text) for text in names.qualified_name(application))


def _validate_affinity(spec: dict[str, Any], errors: list[FieldError]) -> None:
    affinity, config = spec.get("sessionAffinity") or "", spec.get("sessionAffinityConfig")
    if affinity not in _AFFINITIES:
        field = "spec.sessionAffinity"
        errors.append(fe.not_supported(field, affinity, _AFFINITIES) if affinity else fe.required(field))
    if affinity == "None" and config is not None:
        text = "must not be set when session affinity is None"
        errors.append(fe.forbidden("spec.sessionAffinityConfig", text))
    if affinity != "ClientIP":
        return
    path, found = "spec.sessionAffinityConfig", config
    for field in ("clientIP", "timeoutSeconds"):
        if found is None:
            break
        path, found = f"{path}.{field}", found.get(field)
    if found is None:
        errors.append(fe.required(path, "when session affinity type is ClientIP"))
    elif not 0 < found <= _MAX_AFFINITY_SECONDS:
        errors.append(fe.invalid(path, found, f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}"))


def _validate_port_uses(spec: dict[str, Any], errors: list[FieldError]) -> None:
    ports = spec.get("ports") or ()
    if spec.get("type") == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                text = "may not be used when `type` is 'ClusterIP'"
                errors.append(fe.forbidden(f"spec.ports[{index}].nodePort", text))
    node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol") or "", port.get("nodePort") or 0)
        if key[1] and key in node_ports:
            errors.append(fe.duplicate(f"spec.ports[{index}].nodePort", key[1]))
        node_ports.add(key)
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol") or "", port.get("port") or 0)
        if key in numbers:
            shown = (
                f'core.ServicePort{{Name:"", Protocol:{fe.go_quote(key[0])}, AppProtocol:(*string)(nil), '
                f"Port:{key[1]}, TargetPort:{int_or_string(0)}, NodePort:0}}"
            )
            errors.append(fe.duplicate(f"spec.ports[{index}]", raw(shown)))
        numbers.add(key)


def _validate_load_balancer(service: Object, errors: list[FieldError]) -> None:
    spec, annotations = service["spec"], annotations_of(service)
    balancer = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or []
    if ranges or _SOURCE_RANGES in annotations:
        if ranges:
            path, shown, texts = "spec.LoadBalancerSourceRanges", f"[{' '.join(ranges)}]", list(ranges)
        else:
            path, shown = f"metadata.annotations[{_SOURCE_RANGES}]", annotations[_SOURCE_RANGES]
            texts = shown.split(",") if shown.strip() else []
        if not balancer:
            errors.append(fe.forbidden(path, _ONLY_BALANCER))
        if any(names.parse_cidr(text.strip()) is None for text in texts):
            text = "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 "
            errors.append(fe.invalid(path, shown, text))
    if "allocateLoadBalancerNodePorts" in spec and not balancer:
        errors.append(fe.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCER))
    if "allocateLoadBalancerNodePorts" not in spec and balancer:
        errors.append(fe.required("allocateLoadBalancerNodePorts"))
    name = spec.get("loadBalancerClass")
    if name is not None:
        if balancer:
            field = "spec.loadBalancerClass"
            errors.extend(fe.invalid(field, name, text) for text in names.qualified_name(name))
        else:
            errors.append(fe.forbidden("spec.loadBalancerClass", _ONLY_BALANCER))


def _validate_traffic(spec: dict[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    kind, external = spec.get("type"), spec.get("externalTrafficPolicy") or ""
    field = "spec.externalTrafficPolicy"
    if kind not in ("LoadBalancer", "NodePort"):
        if external:
            text = "may only be set when `type` is 'NodePort' or 'LoadBalancer'"
            errors.append(fe.invalid(field, external, text))
    elif external not in _TRAFFIC:
        errors.append(fe.not_supported(field, external, _TRAFFIC) if external else fe.required(field))
    health = spec.get("healthCheckNodePort") or 0
    if health:
        field = "spec.healthCheckNodePort"
        if kind != "LoadBalancer" or external != "Local":
            text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            errors.append(fe.invalid(field, health, text))
        else:
            errors.extend(fe.invalid(field, health, text) for text in names.port_number(health))
    internal = spec.get("internalTrafficPolicy")
    if internal is None:
        if kind in ("NodePort", "LoadBalancer", "ClusterIP"):
            errors.append(fe.required("spec.internalTrafficPolicy"))
    elif internal not in _TRAFFIC:
        errors.append(fe.not_supported("spec.internalTrafficPolicy", internal, _TRAFFIC))
    return errors
