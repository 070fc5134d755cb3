"""spec.conversion of CustomResourceDefinitions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.gosyntax import named_strings
from api.validation import names
from api.validation.webhookclient import validate_client_url, validate_service_reference
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_PATH: Final = "spec.conversion"
_STRATEGIES: Final = ("None", "Webhook")
_REVIEWS: Final = ("v1", "v1beta1")
_UNUSED: Final = "should not be set when strategy is not set to Webhook"


def validate_conversion(spec: Mapping[str, Any]) -> list[FieldError]:
    """Every rule that it breaks; fields are named as in the reference's internal form, where errors come from."""
    conversion = spec.get("conversion") or {}
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook") or {}
    errors: list[FieldError] = []
    if not strategy:
        errors.append(fe.required(f"{_PATH}.strategy"))
    elif strategy not in _STRATEGIES:
        errors.append(fe.not_supported(f"{_PATH}.strategy", strategy, _STRATEGIES))
    if strategy == "Webhook":
        errors += _validate_client(webhook.get("clientConfig"), f"{_PATH}.webhookClientConfig")
        reviews = webhook.get("conversionReviewVersions") or []
        return errors + _validate_reviews(reviews, f"{_PATH}.conversionReviewVersions")
    if webhook.get("clientConfig") is not None:
        errors.append(fe.forbidden(f"{_PATH}.webhookClientConfig", _UNUSED))
    if webhook.get("conversionReviewVersions"):
        errors.append(fe.forbidden(f"{_PATH}.conversionReviewVersions", _UNUSED))
    return errors


def _validate_client(config: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    if config is None:
        return [fe.required(path, "required when strategy is set to Webhook")]
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [fe.required(path, "exactly one of url or service is required")]
    if url is not None:
        return validate_client_url(url, f"{path}.url")
    return validate_service_reference(service or {}, f"{path}.service")


def _validate_reviews(versions: Sequence[str], path: str) -> list[FieldError]:
    if not versions:
        return [fe.required(path)]
    errors: list[FieldError] = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(fe.invalid(f"{path}[{index}]", version, "duplicate version"))
            continue
        errors += [fe.invalid(f"{path}[{index}]", version, text) for text in names.dns1035_label(version)]
    if not set(_REVIEWS) & set(versions):
        errors.append(
            fe.invalid(path, named_strings("string", versions), f"must include at least one of {', '.join(_REVIEWS)}")
        )
    return errors
