"""What may change in a pod that exists: a few fields of its spec, its status, its ephemeral containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.core.pod.affinity import REQUIRED, validate_tolerations
from api.core.pod.annotations import MIRROR, validate_annotation_updates
from api.core.pod.spec import validate_pod_meta_and_spec
from api.gosyntax import raw, string_map, struct, typed_list
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

_MAX_INT32 = 2**31 - 1
_UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")


def validate_pod_update(new: Object, old: Object) -> list[FieldError]:
    """Rules for replacing a pod."""
    errors = validate_pod_meta_and_spec(new)
    new_notes, old_notes = (o["metadata"].get("annotations") or {} for o in (new, old))
    new_spec, old_spec = new["spec"], old["spec"]
    errors += validate_annotation_updates(new_notes, old_notes, new_spec, "metadata.annotations")
    for kind in ("containers", "initContainers"):
        found, stop = _validate_containers(new_spec.get(kind) or (), old_spec.get(kind) or (), f"spec.{kind}")
        errors += found
        if stop:
            return errors
    found, stop = _validate_deadline(new_spec.get("activeDeadlineSeconds"), old_spec.get("activeDeadlineSeconds"))
    errors += found
    if stop or new_spec == old_spec:
        return errors
    errors += _validate_added_tolerations(new_spec.get("tolerations") or (), old_spec.get("tolerations") or ())
    errors += _validate_gates(new_spec.get("schedulingGates") or (), old_spec.get("schedulingGates") or ())
    rest = _without_updatable(new_spec, old_spec)
    if old_spec.get("schedulingGates"):
        errors += _validate_gated(rest, old_spec)
    changed = sorted(key for key in {*rest, *old_spec} if rest.get(key) != old_spec.get(key))
    if changed:
        text = f"pod updates may not change fields other than {','.join(_UPDATABLE)}\n{_differences(rest, old_spec)}"
        errors.append(fe.forbidden("spec", text))
    return errors


def _differences(new: dict[str, Any], old: dict[str, Any]) -> str:
    """The changed fields, old value and new, one line each."""
    lines = []
    for key in sorted({*new, *old}):
        if new.get(key) != old.get(key):
            lines += [f"- \t{key}: {fe.go_value(old.get(key))},", f"+ \t{key}: {fe.go_value(new.get(key))},"]
    return "\n".join(["  core.PodSpec{", *lines, "  }\n"])


def _validate_containers(
    new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]], path: str
) -> tuple[list[FieldError], bool]:
    if len(new) != len(old):
        return [fe.forbidden(path, "pod updates may not add or remove containers")], True
    errors: list[FieldError] = []
    for index, container in enumerate(new):
        image = container.get("image") or ""
        if not image:
            errors.append(fe.required(f"{path}[{index}].image"))
        if image != image.strip():
            text = "must not have leading or trailing whitespace"
            errors.append(fe.invalid(f"{path}[{index}].image", image, text))
    return errors, False


def _validate_deadline(new: int | None, old: int | None) -> tuple[list[FieldError], bool]:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is None:
            return [], False
        return [fe.invalid(path, None, "must not update from a positive integer to nil value")], False
    if not 0 <= new <= _MAX_INT32:
        return [fe.invalid(path, new, names.inclusive_range(0, _MAX_INT32))], True
    if old is not None and old < new:
        return [fe.invalid(path, new, "must be less than or equal to previous value")], True
    return [], False


def _without_seconds(toleration: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _validate_added_tolerations(new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]]) -> list[FieldError]:
    kept = [_without_seconds(toleration) for toleration in new]
    if any(_without_seconds(toleration) not in kept for toleration in old):
        text = "existing toleration can not be modified except its tolerationSeconds"
        return [fe.forbidden("spec.tolerations", text)]
    errors: list[FieldError] = []
    validate_tolerations(new, "spec.tolerations", errors)
    return errors


def _validate_gates(new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]]) -> list[FieldError]:
    known = {gate.get("name") for gate in old}
    text = "only deletion is allowed, but found new scheduling gate '{}'"
    return [
        fe.forbidden(f"spec.schedulingGates[{index}].name", text.format(gate.get("name")))
        for index, gate in enumerate(new)
        if gate.get("name") not in known
    ]


def _without_updatable(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """The new spec with the old values wherever a change is allowed."""
    rest = dict(new)
    for kind in ("containers", "initContainers"):
        if new.get(kind):
            pairs = zip(new[kind], old[kind], strict=True)
            rest[kind] = [{**container, "image": before.get("image")} for container, before in pairs]
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        _take(rest, old, field)
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and new.get("terminationGracePeriodSeconds") == 1:
        _take(rest, old, "terminationGracePeriodSeconds")
    return rest


def _take(rest: dict[str, Any], old: dict[str, Any], field: str) -> None:
    if field in old:
        rest[field] = old[field]
    else:
        rest.pop(field, None)


def _validate_gated(rest: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    """A pod held back by gates may still narrow down where it runs; `rest` forgets what it may change."""
    errors: list[FieldError] = []
    new_selector, old_selector = rest.get("nodeSelector") or {}, old.get("nodeSelector") or {}
    if any(new_selector.get(key) != value for key, value in old_selector.items()):
        text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        errors.append(fe.invalid("spec.nodeSelector", raw(string_map(new_selector)), text))
    _take(rest, old, "nodeSelector")
    new_affinity, old_affinity = rest.get("affinity") or {}, old.get("affinity") or {}
    new_node, old_node = new_affinity.get("nodeAffinity"), old_affinity.get("nodeAffinity")
    if new_node == old_node:
        return errors
    errors += _validate_gated_affinity(new_node or {}, old_node or {})
    merged = {**new_affinity, "nodeAffinity": old_node}
    if old_node is None:
        del merged["nodeAffinity"]
    rest["affinity"] = merged
    if not merged and "affinity" not in old:
        del rest["affinity"]
    return errors


def _validate_gated_affinity(new: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    path = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
    new_terms = (new.get(REQUIRED) or {}).get("nodeSelectorTerms") or []
    old_terms = (old.get(REQUIRED) or {}).get("nodeSelectorTerms") or []
    if not old_terms:
        return []
    if len(new_terms) != len(old_terms):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [fe.invalid(path, new_terms, text)]
    text = "only additions are allowed (no mutations or deletions)"
    return [
        fe.invalid(f"{path}[{index}]", term, text)
        for index, (term, before) in enumerate(zip(new_terms, old_terms, strict=True))
        if not _only_adds(term, before)
    ]


def _only_adds(new: dict[str, Any], old: dict[str, Any]) -> bool:
    lists = [(new.get(key) or [], old.get(key) or []) for key in ("matchExpressions", "matchFields")]
    if not any(before for _, before in lists):
        return not any(after for after, _ in lists)
    return all(after[: len(before)] == before for after, before in lists)


def validate_status_update(new: Object, old: Object) -> list[FieldError]:
    """Rules for the status that the kubelet writes."""
    new_notes, old_notes = (o["metadata"].get("annotations") or {} for o in (new, old))
    errors = validate_annotation_updates(new_notes, old_notes, new.get("spec") or {}, "metadata.annotations")
    after, before, spec = new.get("status") or {}, old.get("status") or {}, old.get("spec") or {}
    for index, condition in enumerate(after.get("conditions") or ()):
        kind = condition.get("type") or ""
        if kind not in _SYSTEM_CONDITIONS:
            field = f"metadata.conditions[{index}].Type"
            errors.extend(fe.invalid(field, kind, text) for text in names.qualified_name(kind))
    nominated = after.get("nominatedNodeName")
    if nominated and nominated != before.get("nominatedNodeName"):
        field = "status.nominatedNodeName"
        errors.extend(fe.invalid(field, nominated, text) for text in names.dns1123_subdomain(nominated))
    policy = spec.get("restartPolicy") or ""
    for kind in ("containerStatuses", "initContainerStatuses"):
        errors += _validate_transitions(after.get(kind) or (), before.get(kind) or (), f"status.{kind}", policy)
    kind = "ephemeralContainerStatuses"
    errors += _validate_transitions(after.get(kind) or (), before.get(kind) or (), f"status.{kind}", "Never")
    return errors + _validate_addresses(after.get("podIPs") or ())


def _validate_transitions(
    new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]], path: str, policy: str
) -> list[FieldError]:
    """A container that has ended and is not to be restarted does not come back."""
    if policy == "Always":
        return []
    errors: list[FieldError] = []
    states = {status.get("name"): status.get("state") or {} for status in new}
    for index, status in enumerate(old):
        terminated = (status.get("state") or {}).get("terminated")
        if terminated is None or (terminated.get("exitCode") and policy == "OnFailure"):
            continue
        state = states.get(status.get("name"))
        if state is not None and "terminated" not in state:
            errors.append(fe.forbidden(f"{path}[{index}].state", "may not be transitioned to non-terminated state"))
    return errors


def _address_value(address: Mapping[str, Any]) -> fe.GoSyntax:
    return struct("core.PodIP", IP=fe.go_quote(address.get("ip") or ""))


def _validate_addresses(addresses: Sequence[dict[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    texts = [address.get("ip") or "" for address in addresses]
    for index, text in enumerate(texts):
        errors.extend(fe.invalid(f"status.podIPs[{index}]", text, problem) for problem in names.ip_address(text))
    if errors or len(texts) < 2:
        return errors
    families = {address.version for text in texts if (address := names.parse_ip(text))}
    if len(families) < 2 or len(texts) > 2:
        text = "may specify no more than one IP for each IP family"
        shown = typed_list("core.PodIP", [_address_value(address) for address in addresses])
        errors.append(fe.invalid("status.podIPs", shown, text))
    for index, text in enumerate(texts):
        if text in texts[:index]:
            errors.append(fe.duplicate(f"status.podIPs[{index}]", _address_value(addresses[index])))
    return errors


def validate_ephemeral_update(new: Object, old: Object) -> list[FieldError]:
    """Ephemeral containers can be added, never changed or removed."""
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [fe.forbidden(fe.WHOLE, "static pods do not support ephemeral containers")]
    errors = validate_pod_meta_and_spec(new)
    by_name = {c.get("name"): c for c in new["spec"].get("ephemeralContainers") or ()}
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container.get("name") or ""
        if name not in by_name:
            text = f"existing ephemeral containers {fe.go_quote(name)} may not be removed\n"
            errors.append(fe.forbidden("spec.ephemeralContainers", text))
        elif by_name[name] != container:
            text = f"existing ephemeral containers {fe.go_quote(name)} may not be changed\n"
            errors.append(fe.forbidden("spec.ephemeralContainers", text + fe.go_value(by_name[name])))
    return errors
