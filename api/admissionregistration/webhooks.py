"""Webhook configurations, mutating and validating: defaults, rules, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.admissionregistration.expressions import validate_match_conditions
from api.admissionregistration.rules import validate_rule
from api.gosyntax import named_strings
from api.kind import Column
from api.strategies import GenerationStrategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.labelselector import validate_label_selector
from api.validation.webhookclient import validate_client_url, validate_service_reference
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Webhooks", type="integer", description="How many webhooks there are."), AGE)
_POLICIES = ("Fail", "Ignore")
_MATCHES = ("Equivalent", "Exact")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REINVOCATIONS = ("IfNeeded", "Never")


class WebhookStrategy(GenerationStrategy):
    """One configuration with all its webhooks."""

    allow_unconditional_update = False
    standard_finalizers = False

    def __init__(self, *, mutating: bool) -> None:
        self.mutating = mutating

    def default(self, obj: Object) -> None:
        """SetDefaults of webhooks."""
        for hook in obj.get("webhooks") or ():
            hook.setdefault("failurePolicy", "Fail")
            hook.setdefault("matchPolicy", "Equivalent")
            hook.setdefault("namespaceSelector", {})
            hook.setdefault("objectSelector", {})
            hook.setdefault("timeoutSeconds", 10)
            if self.mutating:
                hook.setdefault("reinvocationPolicy", "Never")
            for rule in hook.get("rules") or ():
                rule.setdefault("scope", "*")
            service = (hook.get("clientConfig") or {}).get("service")
            if service is not None:
                service.setdefault("port", 443)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateMutatingWebhookConfiguration, ValidateValidatingWebhookConfiguration."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for index, hook in enumerate(obj.get("webhooks") or ()):
            path, name = f"webhooks[{index}]", hook.get("name") or ""
            errors += _validate_hook(hook, path, mutating=self.mutating)
            errors += _validate_versions(hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")
            if name and name in seen:
                errors.append(fe.duplicate(f"{path}.name", name))
            seen.add(name)
        return errors


def _validate_versions(versions: list[str], path: str) -> list[FieldError]:
    if not versions:
        text = "must specify one of v1, v1beta1"
        return [fe.required(path, text)]
    errors: list[FieldError] = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(fe.invalid(f"{path}[{index}]", version, "duplicate version"))
            continue
        errors.extend(fe.invalid(f"{path}[{index}]", version, text) for text in names.dns1035_label(version))
    if not {"v1", "v1beta1"} & set(versions):
        shown = named_strings("string", versions)
        errors.append(fe.invalid(path, shown, "must include at least one of v1, v1beta1"))
    return errors


def _validate_hook(hook: Mapping[str, Any], path: str, *, mutating: bool) -> list[FieldError]:
    errors = _validate_name(hook.get("name") or "", f"{path}.name")
    for index, rule in enumerate(hook.get("rules") or ()):
        errors += validate_rule(rule, f"{path}.rules[{index}]")
    for field, allowed in (("failurePolicy", _POLICIES), ("matchPolicy", _MATCHES)):
        value = hook.get(field)
        if value is not None and value not in allowed:
            errors.append(fe.not_supported(f"{path}.{field}", value, allowed))
    effects = hook.get("sideEffects")
    if effects is None:
        errors.append(fe.required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun"))
    elif effects not in _SIDE_EFFECTS:
        errors.append(fe.not_supported(f"{path}.sideEffects", effects, _SIDE_EFFECTS))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        errors.append(fe.invalid(f"{path}.timeoutSeconds", seconds, text))
    for field in ("namespaceSelector", "objectSelector"):
        errors += validate_label_selector(hook.get(field), f"{path}.{field}")
    again = hook.get("reinvocationPolicy")
    if mutating and again is not None and again not in _REINVOCATIONS:
        errors.append(fe.not_supported(f"{path}.reinvocationPolicy", again, _REINVOCATIONS))
    errors += _validate_client(hook.get("clientConfig") or {}, f"{path}.clientConfig")
    return errors + validate_match_conditions(hook.get("matchConditions") or (), f"{path}.matchConditions")


def _validate_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [fe.required(path)]
    if problems := names.dns1123_subdomain(name):
        return [fe.invalid(path, name, ",".join(problems))]
    if name.count(".") < 2:
        return [fe.invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def _validate_client(client: Mapping[str, Any], path: str) -> list[FieldError]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        return [fe.required(path, "exactly one of url or service is required")]
    if url is not None:
        return validate_client_url(url, f"{path}.url")
    return validate_service_reference(service or {}, f"{path}.service")


def cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    return [obj["metadata"].get("name"), len(obj.get("webhooks") or ()), age(obj, now)]


MUTATING, VALIDATING = WebhookStrategy(mutating=True), WebhookStrategy(mutating=False)
