"""Ingresses and IngressClasses: defaults, rules, tables. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.core.addresses import validate_load_balancer_status
from api.kind import Column
from api.strategies import GenerationStrategy, SpecStrategy, StatusStrategy
from api.table import AGE, NAME, NONE, age
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

INGRESS_COLUMNS = (
    NAME,
    Column(name="Class", description="Which controller serves it."),
    Column(name="Hosts", description="The first few hosts."),
    Column(name="Address", description="Where it is served."),
    Column(name="Ports", description="The ports it is served on."),
    AGE,
)
CLASS_COLUMNS = (
    NAME,
    Column(name="Controller", description="The controller that serves the class."),
    Column(name="Parameters", description="Where the controller's parameters are."),
    AGE,
)
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_SUFFIXES = ("/..", "/.")
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_SHOWN_HOSTS = 3


class IngressStrategy(SpecStrategy):
    """The Ingress itself."""

    empty_status = {"loadBalancer": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateIngressCreate."""
        errors: list[FieldError] = []
        annotation, name = annotations_of(obj).get(_CLASS_ANNOTATION), (obj.get("spec") or {}).get("ingressClassName")
        if annotation is not None and name is not None and annotation != name:
            path = f"annotations.{_CLASS_ANNOTATION}"
            errors.append(fe.invalid(path, annotation, "must match `ingressClassName` when both are specified"))
        return _validate_spec(obj.get("spec") or {}) + errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateIngressUpdate: an Ingress that had a bad secret's name before may keep such."""
        before = [tls.get("secretName") or "" for tls in (old.get("spec") or {}).get("tls") or ()]
        had_bad = any(name and names.dns1123_subdomain(name) for name in before)
        return _validate_spec(new.get("spec") or {}, any_secret_name=had_bad)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """The annotation that the field replaces, where it stands alone."""
        named = "ingressClassName" in (obj.get("spec") or {})
        if old is None and not named and _CLASS_ANNOTATION in annotations_of(obj):
            return [f"annotation \"{_CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
        return []


def _validate_spec(spec: Mapping[str, Any], *, any_secret_name: bool = False) -> list[FieldError]:
    errors: list[FieldError] = []
    rules, backend = spec.get("rules") or (), spec.get("defaultBackend")
    if not rules and backend is None:
        text = "either `defaultBackend` or `rules` must be specified"
        errors.append(fe.invalid("spec", fe.GoSyntax("[]networking.IngressRule(nil)"), text))
    if backend is not None:
        errors += _validate_backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.get("tls") or ()):
        for i, host in enumerate(tls.get("hosts") or ()):
            errors += _validate_host(host, f"spec.tls[{index}].hosts[{i}]")
        secret = tls.get("secretName") or ""
        if secret and not any_secret_name:
            problems = names.dns1123_subdomain(secret)
            errors.extend(fe.invalid(f"spec.tls[{index}].secretName", secret, text) for text in problems)
    name = spec.get("ingressClassName")
    if name is not None:
        errors.extend(fe.invalid("spec.ingressClassName", name, text) for text in names.dns1123_subdomain(name))
    return errors


def _validate_host(host: str, path: str) -> list[FieldError]:
    rule = names.wildcard_subdomain if "*" in host else names.dns1123_subdomain
    return [fe.invalid(path, host, text) for text in rule(host)]


def _validate_rule(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if host := rule.get("host"):
        if names.parse_ip(host) is not None:
            errors.append(fe.invalid(f"{path}.host", host, "must be a DNS name, not an IP address"))
        errors += _validate_host(host, f"{path}.host")
    http = rule.get("http")
    if http is None:
        return errors
    paths = http.get("paths") or ()
    if not paths:
        errors.append(fe.required(f"{path}.http.paths"))
    for index, entry in enumerate(paths):
        errors += _validate_path(entry, f"{path}.http.paths[{index}]")
    return errors


def _validate_path(entry: Mapping[str, Any], path: str) -> list[FieldError]:
    kind, value = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        return [fe.required(f"{path}.pathType", "pathType must be specified")]
    errors: list[FieldError] = []
    if kind in ("Exact", "Prefix"):
        if not value.startswith("/"):
            errors.append(fe.invalid(f"{path}.path", value, "must be an absolute path"))
        errors += [
            fe.invalid(f"{path}.path", value, f"must not contain '{part}'") for part in _BAD_SEQUENCES if part in value
        ]
        errors += [
            fe.invalid(f"{path}.path", value, f"cannot end with '{end}'")
            for end in _BAD_SUFFIXES
            if value.endswith(end)
        ]
    elif kind == "ImplementationSpecific":
        if value and not value.startswith("/"):
            errors.append(fe.invalid(f"{path}.path", value, "must be an absolute path"))
    else:
        errors.append(fe.not_supported(f"{path}.pathType", kind, _PATH_TYPES))
    return errors + _validate_backend(entry.get("backend") or {}, f"{path}.backend")


def _validate_backend(backend: Mapping[str, Any], path: str) -> list[FieldError]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [fe.invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _validate_reference(resource, f"{path}.resource")
    if service is None:
        return [fe.invalid(path, "", "resource or service backend is required")]
    return _validate_service(service, path)


def _validate_reference(reference: Mapping[str, Any], path: str) -> list[FieldError]:
    """A kind and a name that can stand in a URL, and the group they are of."""
    errors: list[FieldError] = []
    group = reference.get("apiGroup")
    if group is not None:
        errors.extend(fe.invalid(f"{path}.apiGroup", group, text) for text in names.dns1123_subdomain(group))
    for field in ("kind", "name"):
        value = reference.get(field) or ""
        if not value:
            errors.append(fe.required(f"{path}.{field}", f"{field} is required"))
        errors.extend(fe.invalid(f"{path}.{field}", value, t) for t in names.path_segment_name(value) if value)
    return errors


def _validate_service(service: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    name, port = service.get("name") or "", service.get("port") or {}
    if not name:
        errors.append(fe.required(f"{path}.service.name"))
    else:
        errors.extend(fe.invalid(f"{path}.service.name", name, text) for text in names.dns1035_label(name))
    port_name, number = port.get("name") or "", port.get("number") or 0
    if port_name and number:
        errors.append(fe.invalid(path, "", "cannot set both port name & port number"))
    elif port_name:
        field = f"{path}.service.port.name"
        errors.extend(fe.invalid(field, port_name, text) for text in names.port_name(port_name))
    elif number:
        field = f"{path}.service.port.number"
        errors.extend(fe.invalid(field, number, text) for text in names.port_number(number))
    else:
        errors.append(fe.required(path, "port name or number is required"))
    return errors


class IngressStatusStrategy(StatusStrategy):
    """ingresses/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateIngressStatusUpdate."""
        balancer = (new.get("status") or {}).get("loadBalancer") or {}
        return validate_load_balancer_status(balancer, "status.loadBalancer")


class IngressClassStrategy(GenerationStrategy):
    """A class of Ingresses."""

    def default(self, obj: Object) -> None:
        """Parameters are those of the whole cluster."""
        parameters = obj.setdefault("spec", {}).get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateIngressClass."""
        spec = obj["spec"]
        errors = _validate_controller(spec.get("controller") or "", "spec.controller")
        parameters = spec.get("parameters")
        return errors if parameters is None else errors + _validate_parameters(parameters, "spec.parameters")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateIngressClassUpdate: the controller stays."""
        controller = new["spec"].get("controller") or ""
        errors = []
        if controller != (old["spec"].get("controller") or ""):
            errors.append(fe.invalid("spec.controller", controller, FIELD_IMMUTABLE))
        return errors + self.validate(new)


def _validate_controller(controller: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(controller) > 250:
        errors.append(fe.too_long(path, controller, 250))
    if not controller:
        return [*errors, fe.required(path)]
    host, slash, rest = controller.partition("/")
    if not (slash and host and rest):
        text = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [*errors, fe.invalid(path, controller, text)]
    errors.extend(fe.invalid(path, host, text) for text in names.dns1123_subdomain(host))
    if not re.fullmatch(_HTTP_PATH, rest):
        errors.append(fe.invalid(path, rest, names.regex_text("Invalid path", _HTTP_PATH)))
    return errors


def _validate_parameters(parameters: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = _validate_reference(parameters, path)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        errors.append(fe.required(f"{path}.scope"))
    elif scope not in ("Cluster", "Namespace"):
        errors.append(fe.not_supported(f"{path}.scope", scope, ("Cluster", "Namespace")))
    elif scope == "Namespace" and namespace is None:
        errors.append(fe.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'"))
    elif scope == "Namespace":
        errors.extend(fe.invalid(f"{path}.namespace", namespace, t) for t in names.dns1123_label(namespace or ""))
    elif scope == "Cluster" and namespace is not None:
        text = "`parameters.scope` is set to 'Cluster'"
        errors.append(fe.forbidden(f"{path}.namespace", text))
    return errors


def _hosts(rules: Sequence[Mapping[str, Any]]) -> str:
    listed: list[str] = []
    cut = False  # whether there are more rules than are looked at
    for rule in rules:
        cut = cut or len(listed) == _SHOWN_HOSTS
        if rule.get("host") and not cut:
            listed.append(rule["host"])
    more = f" + {len(rules) - _SHOWN_HOSTS} more..." if cut else ""
    return (",".join(listed) + more) or "*"


def ingress_cells(ingress: Object, now: datetime) -> list[Any]:
    """One row of Ingresses."""
    spec = ingress.get("spec") or {}
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    points = [point.get("ip") or point.get("hostname") or "" for point in balancer.get("ingress") or ()]
    return [
        ingress["metadata"].get("name"),
        spec.get("ingressClassName") or NONE,
        _hosts(spec.get("rules") or ()),
        ",".join(sorted({point for point in points if point})),
        "80, 443" if spec.get("tls") else "80",
        age(ingress, now),
    ]


def class_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of IngressClasses."""
    spec = obj.get("spec") or {}
    parameters, shown = spec.get("parameters"), NONE
    if parameters is not None:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        shown = f"{parameters.get('kind') or ''}{group}/{parameters.get('name') or ''}"
    return [obj["metadata"].get("name"), spec.get("controller") or "", shown, age(obj, now)]


INGRESS = IngressStrategy()
INGRESS_STATUS = IngressStatusStrategy(INGRESS)
INGRESS_CLASS = IngressClassStrategy()
