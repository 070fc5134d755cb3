"""Metrics of admission webhooks, by the reference's names."""

from __future__ import annotations

from component.counter import LightCounter
from component.histogram import LightHistogram

SECONDS = LightHistogram(
    "apiserver_admission_webhook_admission_duration_seconds",
    "How long a webhook took, by its name, kind, operation and whether it refused.",
    ["name", "type", "operation", "rejected"],
    buckets=(0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0),
)
REJECTIONS = LightCounter(
    "apiserver_admission_webhook_rejection_count",
    "Requests refused because of a webhook: by its word, because it failed, or by a fault of the server.",
    ["name", "type", "operation", "error_type", "rejection_code"],
)
FAILED_OPEN = LightCounter(
    "apiserver_admission_webhook_fail_open_count", "Webhooks that failed and were passed over.", ["name", "type"]
)
REQUESTS = LightCounter(
    "apiserver_admission_webhook_request_total",
    "Calls of webhooks, by the code that the request was answered with on their account.",
    ["name", "type", "operation", "code", "rejected"],
)
EXCLUSIONS = LightCounter(
    "apiserver_admission_match_condition_exclusions_total",
    "Requests that match conditions kept from a webhook or policy.",
    ["name", "kind", "type", "operation"],
)
EVALUATION_ERRORS = LightCounter(
    "apiserver_admission_match_condition_evaluation_errors_total",
    "Match conditions that came to no answer.",
    ["name", "kind", "type", "operation"],
)
