"""What a client is warned of in a Service: old annotations, addresses in odd notations, fields without effect.

Pure (k8s.io/kubernetes/pkg/api/service/warnings.go). Addresses have passed validation, which takes more notations than
the parser of Go that will read them one day; its complaints are quoted here."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from api.core.service.clusterips import is_headless
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.objects import Object, annotations_of

_OLD_HINTS = (
    "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
    "please use service.kubernetes.io/topology-mode instead"
)
_LEADING_ZERO = "IPv4 field has octet with leading zero"


def service_warnings(service: Object) -> list[str]:
    """GetWarningsForService."""
    spec: dict[str, Any] = service["spec"]
    found = []
    if "service.kubernetes.io/topology-aware-hints" in annotations_of(service):
        found.append(_OLD_HINTS)
    if spec.get("clusterIP") and not is_headless(spec):
        for index, address in enumerate(spec.get("clusterIPs") or ()):
            found += _address(address, f"spec.clusterIPs[{index}]")
    for index, address in enumerate(spec.get("externalIPs") or ()):
        found += _address(address, f"spec.externalIPs[{index}]")
    if balancer := spec.get("loadBalancerIP"):
        found += _address(balancer, "spec.loadBalancerIP")
    for index, prefix in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        found += _prefix(prefix, f"spec.loadBalancerSourceRanges[{index}]")
    if spec.get("type") == "ExternalName":
        if spec.get("externalIPs"):
            found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    elif spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    return found


def _address(text: str, path: str) -> list[str]:
    if problem := _address_problem(text):
        return [f"{path}: IP address was accepted, but will be invalid in a future Kubernetes release: {problem}"]
    canonical = _canonical(text)
    if ":" not in text or canonical == text:
        return []
    return [_not_canonical("address", text, canonical, path)]


def _prefix(text: str, path: str) -> list[str]:
    address, _, length = text.partition("/")
    problem = _address_problem(address)
    if not problem and length.startswith("0") and length != "0":
        problem = f"bad bits after slash: {fe.go_quote(length)}"
    if problem:
        shown = f"netip.ParsePrefix({fe.go_quote(text)}): {problem}"
        return [f"{path}: IP prefix was accepted, but will be invalid in a future Kubernetes release: {shown}"]
    canonical = f"{_canonical(address)}/{length}"
    if ":" not in text or canonical == text:
        return []
    return [_not_canonical("prefix", text, canonical, path)]


def _address_problem(text: str) -> str:
    """What Go's netip.ParseAddr has against the text."""
    if names.parse_ip(text) is None:  # nothing validates loadBalancerIP
        return f"ParseAddr({fe.go_quote(text)}): unable to parse IP"
    if ":" not in text and any(len(octet) > 1 and octet.startswith("0") for octet in text.split(".")):
        return f"ParseAddr({fe.go_quote(text)}): {_LEADING_ZERO}"
    return ""


def _canonical(text: str) -> str:
    """The notation of RFC 5952, in which an IPv4 address inside an IPv6 one keeps its dots."""
    if ":" not in text:
        return text
    address = IPv6Address(text)
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else address.compressed


def _not_canonical(kind: str, text: str, canonical: str, path: str) -> str:
    return (
        f"{path}: IPv6 {kind} {fe.go_quote(text)} is not in RFC 5952 canonical format ({fe.go_quote(canonical)}), "
        "which may cause controller apply-loops"
    )
