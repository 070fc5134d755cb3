"""APIServices: rules, status, table. Pure."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase
from api.table import AGE, NAME, age
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of

COLUMNS = (
    NAME,
    Column(name="Service", description="Who serves the version."),
    Column(name="Available", description="Whether it can be reached."),
    AGE,
)


class APIServiceStrategy(StatusStrategyBase):
    """One version of one group, and who serves it."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """Services are called on port 443."""
        service = obj.setdefault("spec", {}).get("service")
        if service is not None:
            service.setdefault("port", 443)

    def prepare_create(self, obj: Object) -> None:
        """What the API server serves itself is available."""
        super().prepare_create(obj)
        if obj["spec"].get("service") is None:
            obj["status"] = {
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True",
                        "lastTransitionTime": obj["metadata"].get("creationTimestamp"),
                        "reason": "Local",
                        "message": "Local APIServices are always available",
                    }
                ]
            }

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateAPIService."""
        spec = obj["spec"]
        group, version = spec.get("group") or "", spec.get("version") or ""
        errors: list[FieldError] = []
        wanted = f"{version}.{group}"
        name = name_of(obj)
        if name and name != wanted and not names.path_segment_name(name, False):
            text = f'must be `spec.version+"."+spec.group`: {fe.go_quote(wanted)}'
            errors.append(fe.invalid("metadata.name", name, text))
        if not group and version != "v1":
            text = "only v1 may have an empty group and it better be legacy kube"
            errors.append(fe.required("spec.group", text))
        if group:
            errors.extend(fe.invalid("spec.group", group, text) for text in names.dns1123_subdomain(group))
        errors.extend(fe.invalid("spec.version", version, text) for text in names.dns1035_label(version))
        for field, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
            value = spec.get(field) or 0
            if not 0 < value <= most:
                errors.append(fe.invalid(f"spec.{field}", value, f"must be positive and less than {most}"))
        return errors + _validate_service(spec)

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL."""
        return names.path_segment_name(name, prefix)


def _validate_service(spec: dict[str, Any]) -> list[FieldError]:
    service, bundle, skip = spec.get("service"), spec.get("caBundle") or "", spec.get("insecureSkipTLSVerify")
    errors: list[FieldError] = []
    if service is None:
        if bundle:
            text = "local APIServices may not have a caBundle"
            errors.append(fe.invalid("spec.caBundle", f"{len(base64.b64decode(bundle))} bytes", text))
        if skip:
            text = "local APIServices may not have insecureSkipTLSVerify"
            errors.append(fe.invalid("spec.insecureSkipTLSVerify", True, text))
        return errors
    errors += [fe.required(f"spec.service.{field}") for field in ("namespace", "name") if not service.get(field)]
    port = service.get("port")
    if port is not None and names.port_number(port):
        text = "port is not valid: " + names.port_number(port)[0]
        errors.append(fe.invalid("spec.service.port", port, text))
    if bundle and skip:
        text = "may not be true if caBundle is present"
        errors.append(fe.invalid("spec.insecureSkipTLSVerify", True, text))
    return errors


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    service = (obj.get("spec") or {}).get("service")
    shown = "Local" if service is None else f"{service.get('namespace')}/{service.get('name')}"
    available = "Unknown"
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Available":
            available = condition.get("status") or ""
            if available != "True":
                available = f"{available} ({condition.get('reason') or ''})"
    return [obj["metadata"].get("name"), shown, available, age(obj, now)]


API_SERVICE = APIServiceStrategy()
API_SERVICE_STATUS = StatusStrategy(
    API_SERVICE, keep_metadata=("labels", "annotations", "finalizers", "ownerReferences")
)
