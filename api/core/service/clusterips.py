"""How clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy of a Service fit together, and may change. Pure."""

from __future__ import annotations

from typing import Any

from api.gosyntax import raw, string_list
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

FAMILIES = ("IPv4", "IPv6")
POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_ONCE = "may not change once set"


def is_headless(spec: dict[str, Any]) -> bool:
    """Whether the Service has no address of its own: only DNS leads to its endpoints."""
    return spec.get("clusterIPs") == ["None"]


def normalize(spec: dict[str, Any], old: dict[str, Any] | None) -> None:
    """Make clusterIPs follow clusterIP, for clients that know the older of the two alone (normalizeClusterIPs)."""
    address, addresses = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if old is None:
        if address and not addresses:
            spec["clusterIPs"] = [address]
        return
    before, earlier = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if address == before:
        if earlier and not addresses:
            spec["clusterIPs"] = earlier
    elif addresses == earlier:
        if address:
            spec["clusterIPs"] = [address]
        else:
            spec.pop("clusterIPs", None)


def validate_cluster_ips(spec: dict[str, Any]) -> list[FieldError]:
    """ValidateServiceClusterIPsRelatedFields."""
    if spec.get("type") == "ExternalName":
        return []
    address, addresses = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    shown = raw(string_list(addresses))
    errors: list[FieldError] = []
    if address and not addresses:
        errors.append(fe.required("spec.clusterIPs"))
    elif address and addresses[0] != address:
        errors.append(fe.invalid("spec.clusterIPs", shown, "first value must match `clusterIP`"))
    elif addresses and not address:
        errors.append(fe.invalid("spec.clusterIPs", shown, "must be empty when `clusterIP` is not specified"))
    _validate_families(spec, errors)
    if _validate_addresses(addresses, shown, errors):
        return errors
    families = spec.get("ipFamilies") or ()
    if len(addresses) > 1:
        versions = {parsed.version for text in addresses if (parsed := names.parse_ip(text))}
        if len(versions) < 2:
            text = "may specify no more than one IP for each IP family"
            errors.append(fe.invalid("spec.clusterIPs", shown, text))
    if not is_headless(spec):
        for index, (text, family) in enumerate(zip(addresses, families, strict=False)):
            parsed = names.parse_ip(text)
            if parsed and family in FAMILIES and family != f"IPv{parsed.version}":
                article = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
                errors.append(fe.invalid(f"spec.clusterIPs[{index}]", text, article))
    return errors


def _validate_families(spec: dict[str, Any], errors: list[FieldError]) -> None:
    seen: set[str] = set()
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in FAMILIES:
            errors.append(fe.not_supported(f"spec.ipFamilies[{index}]", family, FAMILIES))
        if family in seen:
            errors.append(fe.duplicate(f"spec.ipFamilies[{index}]", family))
        seen.add(family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in POLICIES:
        errors.append(fe.not_supported("spec.ipFamilyPolicy", policy, POLICIES))


def _validate_addresses(addresses: list[str], shown: fe.GoSyntax, errors: list[FieldError]) -> bool:
    """Each address alone; whether any is so wrong that comparing them makes no sense."""
    wrong = False
    for index, text in enumerate(addresses):
        if index == 0 and text == "None":
            if len(addresses) > 1:
                wrong = True
                errors.append(fe.invalid("spec.clusterIPs", shown, "'None' must be the first and only value"))
            continue
        problems = names.ip_address(text)
        wrong = wrong or bool(problems)
        errors.extend(fe.invalid(f"spec.clusterIPs[{index}]", text, problem) for problem in problems)
    if len(addresses) > 2:
        errors.append(fe.invalid("spec.clusterIPs", shown, "may only hold up to 2 values"))
    return wrong


def validate_cluster_ips_update(new: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    """What is set stays: only the second address and family may come and go."""
    if "ExternalName" in (new.get("type"), old.get("type")):
        return []
    new_headless, old_headless = is_headless(new), is_headless(old)
    errors: list[FieldError] = []
    if not (new_headless and old_headless):
        errors += _validate_list(new, old, "clusterIPs", "clusterIP")
    if not new_headless and not old_headless:
        errors += _validate_list(new, old, "ipFamilies", "ipFamily")
    return errors


def _validate_list(new: dict[str, Any], old: dict[str, Any], field: str, one: str) -> list[FieldError]:
    after, before = new.get(field) or [], old.get(field) or []
    path, shown = f"spec.{field}", raw(string_list(after))
    errors: list[FieldError] = []
    if len(after) == len(before):
        for index, (value, earlier) in enumerate(zip(after, before, strict=True)):
            if value != earlier:
                at = index if field == "clusterIPs" else 0
                errors.append(fe.invalid(f"{path}[{at}]", shown, _ONCE))
        return errors
    if not after:
        errors.append(fe.invalid(f"{path}[0]", shown, f"primary {one} can not be unset"))
    elif before and after[0] != before[0]:
        errors.append(fe.invalid(f"{path}[0]", shown, _ONCE))
    if len(after) == 1 and len(before) == 2 and new.get("ipFamilyPolicy") != "SingleStack":
        text = f"must be set to 'SingleStack' when releasing the secondary {one}"
        errors.append(fe.invalid("spec.ipFamilyPolicy", new.get("ipFamilyPolicy"), text))
    return errors
