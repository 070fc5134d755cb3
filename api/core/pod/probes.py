"""Rules for probes and lifecycle hooks: exactly one kind of handler, sane numbers. Pure."""

from __future__ import annotations

from typing import Any

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

NOT_NEGATIVE = "must be greater than or equal to 0"
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_probe(probe: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """One probe of any kind."""
    _validate_handler(probe, _PROBE_HANDLERS, path, errors)
    for field in _PROBE_NUMBERS:
        value = probe.get(field) or 0
        if value < 0:
            errors.append(fe.invalid(f"{path}.{field}", value, NOT_NEGATIVE))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        errors.append(fe.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0"))


def validate_container_probes(container: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """The hooks and probes of a container that keeps running."""
    if lifecycle := container.get("lifecycle"):
        for hook in ("postStart", "preStop"):
            if hook in lifecycle:
                _validate_handler(lifecycle[hook], _HOOK_HANDLERS, f"{path}.lifecycle.{hook}", errors)
    if (probe := container.get("livenessProbe")) is not None:
        validate_probe(probe, f"{path}.livenessProbe", errors)
        _must_succeed_once(probe, f"{path}.livenessProbe", errors)
    if (probe := container.get("readinessProbe")) is not None:
        validate_probe(probe, f"{path}.readinessProbe", errors)
        if (grace := probe.get("terminationGracePeriodSeconds")) is not None:
            field = f"{path}.readinessProbe.terminationGracePeriodSeconds"
            errors.append(fe.invalid(field, grace, "must not be set for readinessProbes"))
    if (probe := container.get("startupProbe")) is not None:
        validate_probe(probe, f"{path}.startupProbe", errors)
        _must_succeed_once(probe, f"{path}.startupProbe", errors)


def _must_succeed_once(probe: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    threshold = probe.get("successThreshold") or 0
    if threshold != 1:
        errors.append(fe.invalid(f"{path}.successThreshold", threshold, "must be 1"))


def _validate_handler(handler: dict[str, Any], kinds: tuple[str, ...], path: str, errors: list[FieldError]) -> None:
    found = False
    for kind in kinds:
        action = handler.get(kind)
        if action is None:
            continue
        if found:
            errors.append(fe.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type"))
            continue
        found = True
        if kind == "exec":
            if not action.get("command"):
                errors.append(fe.required(f"{path}.exec.command"))
        elif kind == "httpGet":
            _validate_http_get(action, f"{path}.httpGet", errors)
        else:
            validate_port_or_name(action.get("port"), f"{path}.{kind}.port", errors)
    if not found:
        errors.append(fe.required(path, "must specify a handler type"))


def _validate_http_get(action: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    if not action.get("path"):
        errors.append(fe.required(f"{path}.path"))
    validate_port_or_name(action.get("port"), f"{path}.port", errors)
    scheme = action.get("scheme") or ""
    if scheme not in ("HTTP", "HTTPS"):
        errors.append(fe.not_supported(f"{path}.scheme", scheme, ("HTTP", "HTTPS")))
    for header in action.get("httpHeaders") or ():
        name = header.get("name") or ""
        for text in names.http_header_name(name):
            errors.append(fe.invalid(f"{path}.httpHeaders", name, text))


def validate_port_or_name(port: int | str | None, path: str, errors: list[FieldError]) -> None:
    """A port by number, or by the name of a container's port."""
    if isinstance(port, str):
        for text in names.port_name(port):
            errors.append(fe.invalid(path, port, text))
    else:
        for text in names.port_number(port or 0):
            errors.append(fe.invalid(path, port or 0, text))
