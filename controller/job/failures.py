"""spec.podFailurePolicy of jobs: what a failed pod means (KEP-3329). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from apimachinery.objects import Object, name_of, namespace_of

Action = Literal["Count", "Ignore", "FailJob"]
#: The condition that says that the job will fail, while its pods are still being stopped and counted.
FAILURE_TARGET = "FailureTarget"
REASON = "PodFailurePolicy"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to make of one failed pod; `message` says by which rule, and is "" where none applies."""

    action: Action = "Count"
    message: str = ""


def judge(job: Object, pod: Object) -> Judgement:
    """The first rule that fits; without one (or without a policy) a failure counts towards backoffLimit."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or ()
    for index, rule in enumerate(rules):
        if rule.get("onExitCodes"):
            why = _by_exit_code(rule["onExitCodes"], pod)
        else:
            why = _by_condition(rule.get("onPodConditions") or (), pod)
        if why:
            action = rule["action"]
            known: Action = action if action in ("Ignore", "FailJob") else "Count"
            return Judgement(known, f"{why} matching {action} rule at index {index}")
    return Judgement()


def _by_exit_code(wanted: Object, pod: Object) -> str:
    """Init containers, too; those that ended well never fit."""
    status = pod.get("status") or {}
    for one in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        ended = (one.get("state") or {}).get("terminated")
        if not ended or not ended.get("exitCode") or wanted.get("containerName") not in (None, "", one["name"]):
            continue
        if (ended["exitCode"] in wanted["values"]) == (wanted["operator"] == "In"):
            where = f"{namespace_of(pod)}/{name_of(pod)}"
            return f"Container {one['name']} for pod {where} failed with exit code {ended['exitCode']}"
    return ""


def _by_condition(patterns: Any, pod: Object) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        for pattern in patterns:
            if pattern["type"] == condition["type"] and (pattern.get("status") or "True") == condition["status"]:
                return f"Pod {namespace_of(pod)}/{name_of(pod)} has condition {condition['type']}"
    return ""
