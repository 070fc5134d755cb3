"""Rules for environment variables and for references to the pod's own fields and resources. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError

#: Fields of the pod that an environment variable can show, and those a downward API file can.
ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
#: Behind a gate that v1.28 has off.
_HOST_IPS = "status.hostIPs"
_CONVERTIBLE = frozenset({*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase"})
_RESOURCES = tuple(f"{a}.{b}" for a in ("limits", "requests") for b in ("cpu", "ephemeral-storage", "memory"))
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_MEMORY_DIVISORS = tuple(f"1{unit}" for unit in ("", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))
_SOURCES = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"


def validate_env(variables: Sequence[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    """Each variable has a name and at most one source."""
    for index, variable in enumerate(variables):
        name = variable.get("name")
        if not name:
            errors.append(fe.required(f"{path}[{index}].name"))
        else:
            for text in names.env_var_name(name):
                errors.append(fe.invalid(f"{path}[{index}].name", name, text))
        if "valueFrom" in variable:
            _validate_value_from(variable, f"{path}[{index}].valueFrom", errors)


def _validate_value_from(variable: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    source = variable["valueFrom"]
    count = 0
    if (ref := source.get("fieldRef")) is not None:
        count += 1
        validate_field_ref(ref, ENV_FIELDS, f"{path}.fieldRef", errors)
        if ref.get("fieldPath") == _HOST_IPS:
            text = "may not be set when feature gate 'PodHostIPs' is not enabled"
            errors.append(fe.forbidden(f"{path}.fieldRef", text))
    if (ref := source.get("resourceFieldRef")) is not None:
        count += 1
        validate_resource_field_ref(ref, f"{path}.resourceFieldRef", errors, in_volume=False)
    for field in ("configMapKeyRef", "secretKeyRef"):
        if (ref := source.get(field)) is not None:
            count += 1
            _validate_key_ref(ref, f"{path}.{field}", errors)
    if count == 0:
        errors.append(fe.invalid(path, "", f"must specify one of: {_SOURCES}"))
    elif variable.get("value"):
        errors.append(fe.invalid(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        errors.append(fe.invalid(path, "", "may not have more than one field specified at a time"))


def _validate_key_ref(ref: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    name, key = ref.get("name") or "", ref.get("key") or ""
    for text in names.dns1123_subdomain(name):
        errors.append(fe.invalid(f"{path}.name", name, text))
    if not key:
        errors.append(fe.required(f"{path}.key"))
    else:
        for text in names.config_map_key(key):
            errors.append(fe.invalid(f"{path}.key", key, text))


def validate_env_from(sources: Sequence[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    """Each source names one ConfigMap or Secret."""
    for index, source in enumerate(sources):
        if prefix := source.get("prefix"):
            for text in names.env_var_name(prefix):
                errors.append(fe.invalid(f"{path}[{index}].prefix", prefix, text))
        count = 0
        for field in ("configMapRef", "secretRef"):
            ref = source.get(field)
            if ref is None:
                continue
            count += 1
            name = ref.get("name") or ""
            if not name:
                errors.append(fe.required(f"{path}[{index}].{field}.name"))
            else:
                for text in names.dns1123_subdomain(name, prefix=True):
                    errors.append(fe.invalid(f"{path}[{index}].{field}.name", name, text))
        if count == 0:
            errors.append(fe.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif count > 1:
            errors.append(fe.invalid(path, "", "may not have more than one field specified at a time"))


def validate_field_ref(ref: dict[str, Any], allowed: Sequence[str], path: str, errors: list[FieldError]) -> None:
    """A reference to a field of the pod, or to one label or annotation."""
    version, field = ref.get("apiVersion") or "", ref.get("fieldPath") or ""
    if not version:
        errors.append(fe.required(f"{path}.apiVersion"))
        return
    if not field:
        errors.append(fe.required(f"{path}.fieldPath"))
        return
    base, bracket, rest = field.partition("['")
    subscripted = bool(base and bracket) and rest.endswith("']")
    problem = _conversion_problem(version, field, base if subscripted else "")
    if problem:
        errors.append(fe.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: {problem}"))
    elif subscripted:
        subscript = rest[:-2]
        key = subscript.lower() if base == "metadata.annotations" else subscript
        for text in names.qualified_name(key):
            errors.append(fe.invalid(path, key, text))
    elif field not in allowed:
        errors.append(fe.not_supported(f"{path}.fieldPath", field, sorted(allowed)))


def _conversion_problem(version: str, field: str, subscripted: str) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscripted:
        if subscripted in ("metadata.annotations", "metadata.labels"):
            return ""
        return f"field label does not support subscript: {field}"
    return "" if field in _CONVERTIBLE or field == "spec.host" else f"field label not supported: {field}"


def validate_resource_field_ref(ref: dict[str, Any], path: str, errors: list[FieldError], *, in_volume: bool) -> None:
    """A reference to a container's request or limit, and the unit to show it in."""
    resource = ref.get("resource") or ""
    if in_volume and not ref.get("containerName"):
        errors.append(fe.required(f"{path}.containerName"))
    elif not resource:
        errors.append(fe.required(f"{path}.resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        errors.append(fe.not_supported(f"{path}.resource", resource, _RESOURCES))
    divisor = quantity.parse(ref.get("divisor") or "0")
    if divisor.is_zero:
        return
    kind = _divisor_kind(resource)
    if kind == "cpu":
        if str(divisor) not in ("1m", "1"):
            text = "only divisor's values 1m and 1 are supported with the cpu resource"
            errors.append(fe.invalid(f"{path}.divisor", resource, text))
    elif kind and str(divisor) not in _MEMORY_DIVISORS:
        text = f"only divisor's values {', '.join(_MEMORY_DIVISORS)} are supported with the {kind} resource"
        errors.append(fe.invalid(f"{path}.divisor", resource, text))


def _divisor_kind(resource: str) -> str:
    """What the reference calls the resource when its divisor is wrong; "" where any divisor will do."""
    if resource.startswith(_HUGE_PAGES):
        return "hugepages"
    _, _, name = resource.partition(".")
    return {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(name, "")
