"""The PodSecurity plugin: which level a namespace asks for, and what becomes of pods that do not keep it.

`enforce` refuses pods; `warn` warns and `audit` notes in the audit log, of workloads by their templates too."""

from __future__ import annotations

from api.resources import NAMESPACES, PODS
from apimachinery import errors
from apimachinery.fielderrors import FieldError
from apimachinery.fielderrors import invalid as invalid_field
from apimachinery.objects import Object, labels_of, name_of
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.admission.podsecurity import metrics
from apiserver.admission.podsecurity.baseline import BASELINE
from apiserver.admission.podsecurity.check import Check, Violation
from apiserver.admission.podsecurity.restricted import RESTRICTED
from apiserver.admission.podsecurity.settings import MODES, VERSION, read_settings
from apiserver.admission.templates import WORKLOADS, template_of
from apiserver.interfaces import Attributes

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS: dict[str, dict[str, Check]] = {"privileged": {}, "baseline": BASELINE, "restricted": RESTRICTED}
#: For each mode the labels of a namespace that give its level and its version.
_LABELS = {mode: (f"{_PREFIX}{mode}", f"{_PREFIX}{mode}-version") for mode in MODES}
#: What may change in a pod without its being looked at again.
_INSIGNIFICANT = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
_PODS_LOOKED_AT = 3000


class PodSecurity(Plugin):
    """Pods, workloads and the labels of namespaces."""

    name = "PodSecurity"
    resources = {
        ("", "namespaces"): frozenset({""}),
        ("", "pods"): frozenset({"", "ephemeralcontainers"}),
        **{resource: frozenset({""}) for resource in WORKLOADS},
    }

    def __init__(self, setting: Setting) -> None:
        """Raises ValueError for a configuration that makes no sense."""
        self._api = setting.api
        self._settings = read_settings(setting.configured(self.name))

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """The warnings; raises Forbidden for a pod, Invalid for a label."""
        if obj is None:
            return []
        if attributes.resource == "namespaces":
            return self._namespace(obj, old)
        namespace = self._api.get(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            return []
        is_pod = attributes.resource == "pods"
        pod = obj if is_pod else template_of(obj, attributes.group, attributes.resource)
        if pod is None or (is_pod and operation(attributes) == "update" and old and not _significant(obj, old)):
            return []
        exempt = self._settings.exemption(attributes.namespace, attributes.user.name, pod)
        if exempt:
            attributes.notes.annotations[f"{_PREFIX}exempt"] = exempt
            metrics.exempted(attributes)
            return []
        if is_pod:
            self._enforce(attributes, labels_of(namespace), obj)
        self._audit(attributes, labels_of(namespace), pod)
        return self._warnings(attributes, labels_of(namespace), pod)

    def _enforce(self, attributes: Attributes, labels: dict[str, str], pod: Object) -> None:
        level, version = self._policy(labels, "enforce")
        attributes.notes.annotations[f"{_PREFIX}enforce-policy"] = f"{level}:{version}"
        violations = evaluate(level, pod)
        metrics.evaluated(attributes, (level, version), "enforce", allowed=not violations)
        if violations:
            raise refuse(attributes, f'violates PodSecurity "{level}:{version}": {_listed(violations)}', pod)

    def _audit(self, attributes: Attributes, labels: dict[str, str], pod: Object) -> None:
        level, version = self._policy(labels, "audit")
        violations = evaluate(level, pod)
        if violations:
            metrics.evaluated(attributes, (level, version), "audit", allowed=False)
            text = f'would violate PodSecurity "{level}:{version}": {_listed(violations)}'
            attributes.notes.annotations[f"{_PREFIX}audit-violations"] = text

    def _warnings(self, attributes: Attributes, labels: dict[str, str], pod: Object) -> list[str]:
        level, version = self._policy(labels, "warn")
        violations = evaluate(level, pod)
        if not violations:
            return []
        metrics.evaluated(attributes, (level, version), "warn", allowed=False)
        return [f'would violate PodSecurity "{level}:{version}": {_listed(violations)}']

    def _policy(self, labels: dict[str, str], mode: str) -> tuple[str, str]:
        """(level, version) of a mode; a level that does not exist is taken as the strictest."""
        level, version = self._settings.defaults[mode]
        level_label, version_label = _LABELS[mode]
        if level_label in labels:
            level = labels[level_label] if labels[level_label] in _LEVELS else "restricted"
        if version_label in labels:
            version = labels[version_label] if VERSION.fullmatch(labels[version_label]) else "latest"
        return level, version

    def _namespace(self, obj: Object, old: Object | None) -> list[str]:
        labels, before = labels_of(obj), labels_of(old or {})
        problems = _label_problems(labels)
        if problems and (old is None or labels != before):
            if old is not None and problems == _label_problems(before):
                return []
            raise errors.invalid("", "Namespace", name_of(obj), problems)
        level, version = self._policy(labels, "enforce")
        if old is None or level == "privileged" or (level, version) == self._policy(before, "enforce"):
            return []
        return self._existing(name_of(obj), level, version)

    def _existing(self, namespace: str, level: str, version: str) -> list[str]:
        """Warnings about pods that are there and would not be let in any more."""
        found: dict[str, list[str]] = {}
        for pod in self._api.list(PODS, namespace)[:_PODS_LOOKED_AT]:
            violations = evaluate(level, pod)
            if violations:
                found.setdefault(", ".join(item.reason for item in violations), []).append(name_of(pod))
        if not found:
            return []
        text = f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{level}:{version}"'
        lines = []
        for reasons, names in found.items():
            more = len(names) - 1
            others = "" if not more else f" (and {more} other {'pod' if more == 1 else 'pods'})"
            lines.append(f"{sorted(names)[0]}{others}: {reasons}")
        return [text, *sorted(lines)]


def evaluate(level: str, pod: Object) -> list[Violation]:
    """The standards of a level that a pod (or pod template) does not keep."""
    checks = _LEVELS[level]
    if not checks:
        return []
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    found = [check(metadata, spec) for check in checks.values()]
    return [item for item in found if item is not None]


def _listed(violations: list[Violation]) -> str:
    return ", ".join(map(str, violations))


def _label_problems(labels: dict[str, str]) -> list[FieldError]:
    problems: list[FieldError] = []
    for level, version in _LABELS.values():
        if level in labels and labels[level] not in _LEVELS:
            text = "must be one of privileged, baseline, restricted"
            problems.append(invalid_field(f"metadata.labels[{level}]", labels[level], text))
        if version in labels and not VERSION.fullmatch(labels[version]):
            text = "must be 'latest' or 'v1.x'"
            problems.append(invalid_field(f"metadata.labels[{version}]", labels[version], text))
    return problems


def _significant(obj: Object, old: Object) -> bool:
    """Whether an update changes anything that a check looks at."""
    new_spec, old_spec = (
        {key: value for key, value in (pod.get("spec") or {}).items() if key not in _INSIGNIFICANT}
        for pod in (obj, old)
    )
    annotations = [(pod.get("metadata") or {}).get("annotations") or {} for pod in (obj, old)]
    security = [{key: value for key, value in item.items() if "security" in key or "seccomp" in key}
                for item in annotations]  # fmt: skip
    return new_spec != old_spec or security[0] != security[1]
