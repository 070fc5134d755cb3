"""Metrics of pod security, by the reference's names (pod-security-admission/metrics)."""

from __future__ import annotations

from apiserver.admission.base import operation
from apiserver.interfaces import Attributes
from component.counter import LightCounter
from component.version import version_info

_REQUEST = ("request_operation", "resource", "subresource")
_EVALUATIONS = LightCounter(
    "pod_security_evaluations_total",
    "Policies that pods were compared with, by what came of it.",
    ("decision", "policy_level", "policy_version", "mode", *_REQUEST),
)
_EXEMPTIONS = LightCounter("pod_security_exemptions_total", "Requests that no policy was asked of.", _REQUEST)
_MINOR = int(version_info()["minor"])
_RESOURCES = {"pods": "pod", "namespaces": "namespace"}


def evaluated(attributes: Attributes, policy: tuple[str, str], mode: str, *, allowed: bool) -> None:
    """A pod was compared with a policy (level, version)."""
    level, version = policy
    shown = shown_version(version, _MINOR)
    _EVALUATIONS.labels("allow" if allowed else "deny", level, shown, mode, *_request(attributes)).inc()


def exempted(attributes: Attributes) -> None:
    """A pod was not."""
    _EXEMPTIONS.labels(*_request(attributes)).inc()


def shown_version(version: str, minor: int) -> str:
    """A policy's version as a label that cannot take endlessly many values, for a server v1.`minor`. Pure."""
    if version == "latest":
        return version
    number = int(version.removeprefix("v1."))
    return "latest" if number == minor else "future" if number > minor else version


def _request(attributes: Attributes) -> tuple[str, str, str]:
    return operation(attributes), _RESOURCES.get(attributes.resource, "controller"), attributes.subresource
