"""Rules for addresses that traffic is sent to: endpoints, external IPs, load balancers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError


def validate_non_special_ip(text: str, path: str) -> list[FieldError]:
    """Neither unspecified, nor loopback, nor link-local."""
    address = names.parse_ip(text)
    if address is None:
        return [fe.invalid(path, text, "must be a valid IP address")]
    problems = []
    if address.is_unspecified:
        problems.append(f"may not be unspecified ({text})")
    if address.is_loopback:
        problems.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local and not address.is_multicast:
        problems.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if _is_link_local_multicast(address):
        problems.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return [fe.invalid(path, text, problem) for problem in problems]


def _is_link_local_multicast(address: names.IPAddress) -> bool:
    packed = address.packed
    if address.version == 4:
        return packed[:3] == b"\xe0\x00\x00"
    return packed[0] == 0xFF and packed[1] & 0x0F == 0x02


def validate_load_balancer_status(status: Mapping[str, Any], path: str) -> list[FieldError]:
    """Ingress points are IP addresses or DNS names."""
    errors: list[FieldError] = []
    for index, ingress in enumerate(status.get("ingress") or ()):
        here = f"{path}.ingress[{index}]"
        if (address := ingress.get("ip")) and names.parse_ip(address) is None:
            errors.append(fe.invalid(f"{here}.ip", address, "must be a valid IP address"))
        if host := ingress.get("hostname"):
            errors.extend(fe.invalid(f"{here}.hostname", host, text) for text in names.dns1123_subdomain(host))
            if names.parse_ip(host) is not None:
                errors.append(fe.invalid(f"{here}.hostname", host, "must be a DNS name, not an IP address"))
    return errors
