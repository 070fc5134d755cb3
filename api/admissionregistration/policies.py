"""ValidatingAdmissionPolicies and their bindings: defaults, what each write checks, tables. Pure.

(KEP-3488; admissionregistration.k8s.io v1alpha1 and v1beta1 of v1.28, which have the same fields.)"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from api.admissionregistration.policyrules import validate_binding_spec, validate_policy_spec, validate_policy_status
from api.kind import Column
from api.strategies import STATUS_METADATA, SpecStrategy, StatusStrategy
from api.table import AGE, NAME, age
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of

POLICY_COLUMNS: Final = (
    NAME,
    Column(name="Validations", type="integer", description="How many validations there are."),
    Column(name="ParamKind", description="The kind of the objects that parametrize the policy."),
    AGE,
)
BINDING_COLUMNS: Final = (
    NAME,
    Column(name="PolicyName", description="The policy that is put in force."),
    Column(name="ParamRef", description="The object that parametrizes the policy."),
    AGE,
)
_UNSET: Final = "<unset>"


class PolicyStrategy(SpecStrategy):
    """What is forbidden, and of what."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """SetDefaults_ValidatingAdmissionPolicySpec."""
        spec = obj.setdefault("spec", {})
        spec.setdefault("failurePolicy", "Fail")
        _default_match(spec.get("matchConstraints"))

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicy."""
        return validate_policy_spec(obj["spec"], name_of(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicyUpdate: match conditions that stay are not looked at again."""
        unchanged = all(
            (new["spec"].get(field) or None) == ((old.get("spec") or {}).get(field) or None)
            for field in ("paramKind", "matchConditions")
        )
        return validate_policy_spec(new["spec"], name_of(new), conditions=not unchanged)


class PolicyStatusStrategy(StatusStrategy):
    """validatingadmissionpolicies/status: what was found out about its expressions."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicyStatusUpdate."""
        return validate_policy_status(new.get("status") or {})


class BindingStrategy(SpecStrategy):
    """Where, and with which parameters, a policy is in force."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """The defaults of its matchResources."""
        _default_match(obj.setdefault("spec", {}).get("matchResources"))

    def prepare_create(self, obj: Object) -> None:
        """The first generation; there is no status."""
        obj["metadata"]["generation"] = 1

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicyBinding."""
        return validate_binding_spec(obj["spec"])


def _default_match(match: Any) -> None:
    if not isinstance(match, dict):
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for rule in [*(match.get("resourceRules") or ()), *(match.get("excludeResourceRules") or ())]:
        rule.setdefault("scope", "*")


def policy_cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    spec = obj.get("spec") or {}
    kind = spec.get("paramKind") or {}
    shown = f"{kind.get('apiVersion') or ''}/{kind.get('kind') or ''}" if kind else _UNSET
    return [obj["metadata"].get("name"), len(spec.get("validations") or ()), shown, age(obj, now)]


def binding_cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    spec = obj.get("spec") or {}
    ref = spec.get("paramRef") or {}
    name = f"{ref['namespace']}/{ref.get('name') or ''}" if ref.get("namespace") else ref.get("name") or "*"
    return [obj["metadata"].get("name"), spec.get("policyName") or "", name if ref else _UNSET, age(obj, now)]


POLICY, BINDING = PolicyStrategy(), BindingStrategy()
POLICY_STATUS = PolicyStatusStrategy(POLICY, keep_metadata=STATUS_METADATA)
