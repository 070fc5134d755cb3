"""The ValidatingAdmissionPolicy plugin: policies in CEL, put in force by bindings; only the authorizer is called."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import orjson

from api.resources import ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS, NAMESPACES
from apimachinery import labels
from apimachinery.errors import ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, labels_of, name_of
from apimachinery.uids import new_uid
from apiserver.admission.base import Plugin, Setting, refuse
from apiserver.admission.expressions import Checks, variables_of
from apiserver.admission.policies.evaluation import Denial, Findings, evaluate
from apiserver.admission.policies.matching import Objects, concerns
from apiserver.admission.webhooks.plugin import kind_of
from apiserver.admission.webhooks.review import review
from apiserver.interfaces import Attributes

logger = logging.getLogger(__name__)

_EXEMPT_GROUP: Final = "admissionregistration.k8s.io"
_FAILURES: Final = "validation.policy.admission.k8s.io/validation_failure"
_NO_PARAMS: Final = (
    "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
)
_CODES: Final = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}


class ValidatingAdmissionPolicy(Plugin):
    """Everything but the configuration of admission itself."""

    name = "ValidatingAdmissionPolicy"
    verbs = frozenset({"create", "update", "delete", "connect"})

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._versions = setting.versions
        self._authorizer = setting.authorizer

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """The warnings; raises the first denial."""
        if attributes.group == _EXEMPT_GROUP or not self._versions.serves(ADMISSION_POLICY_BINDINGS):
            return []
        bindings = self._api.list(ADMISSION_POLICY_BINDINGS)
        if not bindings:
            return []
        namespace = self._api.get(NAMESPACES, "", attributes.namespace) if attributes.namespace else None
        judged = _Judged()
        for policy in sorted(self._api.list(ADMISSION_POLICIES), key=name_of):
            bound = [each for each in bindings if (each.get("spec") or {}).get("policyName") == name_of(policy)]
            await self._judge(judged, policy, sorted(bound, key=name_of), attributes, (obj, old), namespace)
        judged.note(attributes)
        if judged.denied is not None:
            raise _error(attributes, *judged.denied)
        return judged.warnings

    async def _judge(
        self,
        judged: _Judged,
        policy: Object,
        bindings: Sequence[Object],
        attributes: Attributes,
        objects: Objects,
        namespace: Object | None,
    ) -> None:
        spec, versions = policy.get("spec") or {}, self._versions.of(attributes)
        found, resource = concerns(spec.get("matchConstraints"), attributes, versions, objects, namespace)
        if not found:
            return
        for binding in bindings:
            match = (binding.get("spec") or {}).get("matchResources")
            if not concerns(match, attributes, versions, objects, namespace)[0]:
                continue
            variables = await self._variables(attributes, objects, resource, namespace)
            checks = Checks(attributes, self._authorizer)
            params, problem = self._params(policy, binding, attributes)
            if problem:
                if (spec.get("failurePolicy") or "Fail") == "Fail":
                    judged.add(policy, binding, Findings([Denial(problem, "Invalid", 0, failed=True)]))
                continue
            for each in params:
                seen = {**variables, "params": each}
                judged.add(policy, binding, await checks.evaluated(partial(evaluate, spec, seen)))

    async def _variables(
        self, attributes: Attributes, objects: Objects, resource: Resource | None, namespace: Object | None
    ) -> dict[str, Any]:
        sent: list[Object | None] = list(objects)
        if resource is not None:
            sent = [
                await self._versions.shown(attributes, each, resource) if each is not None else None for each in objects
            ]
        kind = kind_of(attributes, sent[0], sent[1])
        asked = review(attributes, (kind, kind), resource, (sent[0], sent[1]), new_uid(), "v1")
        return {**variables_of(attributes, asked), "namespaceObject": namespace}

    def _params(self, policy: Object, binding: Object, attributes: Attributes) -> tuple[Sequence[Object | None], str]:
        """The objects that parametrize the policy there, and why there are none where there should be."""
        kind = (policy.get("spec") or {}).get("paramKind")
        ref = (binding.get("spec") or {}).get("paramRef")
        if kind is None or ref is None:
            return [None], ""
        resource = self._versions.of_kind(kind["apiVersion"], kind["kind"])
        if resource is None:
            why = (
                f"failed to configure policy: failed to find resource referenced by paramKind: '{kind['apiVersion']}, "
            )
            return [], f"{why}Kind={kind['kind']}'"
        namespace = (ref.get("namespace") or attributes.namespace) if resource.namespaced else ""
        if resource.namespaced and not namespace:
            return (
                [],
                "failed to configure binding: cannot use namespaced paramRef in policy binding that matches "
                "cluster-scoped resources",
            )
        if ref.get("name"):
            one = self._api.get(resource, namespace, ref["name"])
            found = [one] if one is not None else []
        else:
            selector = labels.from_label_selector(ref.get("selector") or {})
            found = [each for each in self._api.list(resource, namespace) if selector.matches(labels_of(each))]
        if not found and ref.get("parameterNotFoundAction") == "Deny":
            return (
                [],
                "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
            )
        return found, ""


class _Judged:
    """What all policies say of one request, by what their bindings make of it."""

    def __init__(self) -> None:
        self.denied: tuple[str, str, Denial] | None = None  #: policy, binding and the first denial
        self.warnings: list[str] = []
        self._failures: list[Object] = []
        self._annotations: dict[str, list[str]] = {}

    def add(self, policy: Object, binding: Object, findings: Findings) -> None:
        """One evaluation."""
        names = name_of(policy), name_of(binding)
        actions = (binding.get("spec") or {}).get("validationActions") or ()
        for denial in findings.denials:
            if "Deny" in actions and self.denied is None:
                self.denied = (*names, denial)
            if "Warn" in actions:
                text = f"Validation failed for ValidatingAdmissionPolicy '{names[0]}' with binding '{names[1]}'"
                self.warnings.append(f"{text}: {denial.message}")
            if "Audit" in actions:
                self._failures.append(
                    {
                        "message": denial.message, "policy": names[0], "binding": names[1],
                        "expressionIndex": denial.index, "validationActions": list(actions),
                    }
                )  # fmt: skip
        for key, value in findings.annotations.items():
            values = self._annotations.setdefault(f"{names[0]}/{key}", [])
            if value not in values:
                values.append(value)

    def note(self, attributes: Attributes) -> None:
        """Leave what is for the audit log."""
        notes = attributes.notes.annotations
        notes.update((key, ", ".join(values)) for key, values in self._annotations.items())
        if self._failures:
            notes[_FAILURES] = orjson.dumps(self._failures).decode()


def _error(attributes: Attributes, policy: str, binding: str, denial: Denial) -> ApiError:
    message = f"ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {denial.message}"
    error = refuse(attributes, message)
    error.http_reason = denial.reason
    error.http_code = _CODES.get(denial.reason, 500)
    error.details = {**(error.details or {}), "causes": [{"message": message}]}
    return error
