"""Struct types whose Go source is in no package that `derive.py` can read, written down by hand.

Each line is a type and its fields, `name Type`, with `!` after fields that are not `omitempty`."""

from __future__ import annotations

from typing import Final

from apimachinery.schema.gosource import GoField, GoTypes

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"

_APIEXTENSIONS: Final = """
CustomResourceDefinition: kind string, apiVersion string, metadata meta.ObjectMeta, spec CustomResourceDefinitionSpec!,
  status CustomResourceDefinitionStatus
CustomResourceDefinitionList: kind string, apiVersion string, metadata meta.ListMeta, items []CustomResourceDefinition!
CustomResourceDefinitionSpec: group string!, names CustomResourceDefinitionNames!, scope ResourceScope!,
  versions []CustomResourceDefinitionVersion!, conversion *CustomResourceConversion, preserveUnknownFields bool
CustomResourceDefinitionNames: plural string!, singular string, shortNames []string, kind string!, listKind string,
  categories []string
CustomResourceDefinitionVersion: name string!, served bool!, storage bool!, deprecated bool, deprecationWarning *string,
  schema *CustomResourceValidation, subresources *CustomResourceSubresources,
  additionalPrinterColumns []CustomResourceColumnDefinition
CustomResourceColumnDefinition: name string!, type string!, format string, description string, priority int32,
  jsonPath string!
CustomResourceConversion: strategy ConversionStrategyType!, webhook *WebhookConversion
WebhookConversion: clientConfig *WebhookClientConfig, conversionReviewVersions []string!
WebhookClientConfig: url *string, service *ServiceReference, caBundle []byte
ServiceReference: namespace string!, name string!, path *string, port *int32
CustomResourceDefinitionCondition: type CustomResourceDefinitionConditionType!, status ConditionStatus!,
  lastTransitionTime meta.Time, reason string, message string
CustomResourceDefinitionStatus: conditions []CustomResourceDefinitionCondition!,
  acceptedNames CustomResourceDefinitionNames!, storedVersions []string!
CustomResourceValidation: openAPIV3Schema *JSONSchemaProps
CustomResourceSubresources: status *CustomResourceSubresourceStatus, scale *CustomResourceSubresourceScale
CustomResourceSubresourceStatus:
CustomResourceSubresourceScale: specReplicasPath string!, statusReplicasPath string!, labelSelectorPath *string
ExternalDocumentation: description string, url string
ValidationRule: rule string!, message string, messageExpression string, reason *FieldValueErrorReason, fieldPath string
JSONSchemaProps: id string, $schema JSONSchemaURL, $ref *string, description string, type string, format string,
  title string, default *JSON, maximum *float64, exclusiveMaximum bool, minimum *float64, exclusiveMinimum bool,
  maxLength *int64, minLength *int64, pattern string, maxItems *int64, minItems *int64, uniqueItems bool,
  multipleOf *float64, enum []JSON, maxProperties *int64, minProperties *int64, required []string,
  items *JSONSchemaPropsOrArray, allOf []JSONSchemaProps, oneOf []JSONSchemaProps, anyOf []JSONSchemaProps,
  not *JSONSchemaProps, properties map[string]JSONSchemaProps, additionalProperties *JSONSchemaPropsOrBool,
  patternProperties map[string]JSONSchemaProps, dependencies JSONSchemaDependencies,
  additionalItems *JSONSchemaPropsOrBool, definitions JSONSchemaDefinitions, externalDocs *ExternalDocumentation,
  example *JSON, nullable bool, x-kubernetes-preserve-unknown-fields *bool, x-kubernetes-embedded-resource bool,
  x-kubernetes-int-or-string bool, x-kubernetes-list-map-keys []string, x-kubernetes-list-type *string,
  x-kubernetes-map-type *string, x-kubernetes-validations ValidationRules
"""
_APIEXTENSIONS_ALIASES: Final = {
    "ResourceScope": "string",
    "ConversionStrategyType": "string",
    "CustomResourceDefinitionConditionType": "string",
    "ConditionStatus": "string",
    "FieldValueErrorReason": "string",
    "JSONSchemaURL": "string",
    "JSONSchemaDependencies": "map[string]JSONSchemaPropsOrStringArray",
    "JSONSchemaDefinitions": "map[string]JSONSchemaProps",
    "ValidationRules": "[]ValidationRule",
}

_APIREGISTRATION: Final = """
APIService: kind string, apiVersion string, metadata meta.ObjectMeta, spec APIServiceSpec, status APIServiceStatus
APIServiceList: kind string, apiVersion string, metadata meta.ListMeta, items []APIService!
APIServiceSpec: service *ServiceReference, group string, version string, insecureSkipTLSVerify bool, caBundle []byte,
  groupPriorityMinimum int32!, versionPriority int32!
APIServiceStatus: conditions []APIServiceCondition
APIServiceCondition: type APIServiceConditionType!, status ConditionStatus!, lastTransitionTime meta.Time,
  reason string, message string
ServiceReference: namespace string, name string, port *int32
"""
_APIREGISTRATION_ALIASES: Final = {"APIServiceConditionType": "string", "ConditionStatus": "string"}

#: Served where --runtime-config asks for it; v1alpha1 and v1beta1 have the same fields.
_POLICIES: Final = """
ValidatingAdmissionPolicy: kind string, apiVersion string, metadata meta.ObjectMeta, spec ValidatingAdmissionPolicySpec,
  status ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyList: kind string, apiVersion string, metadata meta.ListMeta, items []ValidatingAdmissionPolicy
ValidatingAdmissionPolicySpec: paramKind *ParamKind, matchConstraints *MatchResources, validations []Validation,
  failurePolicy *FailurePolicyType, auditAnnotations []AuditAnnotation, matchConditions []MatchCondition,
  variables []Variable
ValidatingAdmissionPolicyStatus: observedGeneration int64, typeChecking *TypeChecking, conditions []meta.Condition
TypeChecking: expressionWarnings []ExpressionWarning
ExpressionWarning: fieldRef string!, warning string!
ParamKind: apiVersion string, kind string
Validation: expression string!, message string, reason *StatusReason, messageExpression string
Variable: name string!, expression string!
AuditAnnotation: key string!, valueExpression string!
MatchCondition: name string!, expression string!
MatchResources: namespaceSelector *meta.LabelSelector, objectSelector *meta.LabelSelector,
  resourceRules []NamedRuleWithOperations, excludeResourceRules []NamedRuleWithOperations, matchPolicy *MatchPolicyType
NamedRuleWithOperations: resourceNames []string, operations []OperationType, apiGroups []string, apiVersions []string,
  resources []string, scope *ScopeType
ValidatingAdmissionPolicyBinding: kind string, apiVersion string, metadata meta.ObjectMeta,
  spec ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingList: kind string, apiVersion string, metadata meta.ListMeta,
  items []ValidatingAdmissionPolicyBinding
ValidatingAdmissionPolicyBindingSpec: policyName string, paramRef *ParamRef, matchResources *MatchResources,
  validationActions []ValidationAction
ParamRef: name string, namespace string, selector *meta.LabelSelector,
  parameterNotFoundAction *ParameterNotFoundActionType
"""
_POLICIES_ALIASES: Final = {
    "FailurePolicyType": "string",
    "MatchPolicyType": "string",
    "OperationType": "string",
    "ParameterNotFoundActionType": "string",
    "ScopeType": "string",
    "StatusReason": "string",
    "ValidationAction": "string",
}

#: Fields of v1.28 that later versions of the Go source no longer have.
_CORE: Final = """
ClaimSource: resourceClaimName *string, resourceClaimTemplateName *string
PodResourceClaim: name string!, source ClaimSource
"""

_META_V1: Final = """
Patch:
"""

_TABLES: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1", _APIEXTENSIONS, _APIEXTENSIONS_ALIASES),
    ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1", _APIREGISTRATION, _APIREGISTRATION_ALIASES),
    ("io.k8s.api.core.v1", _CORE, {}),
    (_META, _META_V1, {}),
    ("io.k8s.api.admissionregistration.v1alpha1", _POLICIES, _POLICIES_ALIASES),
    ("io.k8s.api.admissionregistration.v1beta1", _POLICIES, _POLICIES_ALIASES),
)
_BUILT_IN: Final = frozenset(("string", "bool", "int32", "int64", "float64", "byte"))


def add_to(types: GoTypes) -> None:
    """Add these types to those read from source, replacing what is there."""
    for package, table, aliases in _TABLES:
        for name, target in aliases.items():
            types.aliases[f"{package}.{name}"] = _qualify(target, package)
        for line in table.replace(",\n", ",").strip().splitlines():
            name, _, listed = line.partition(":")
            fields = [field.split() for field in listed.split(",") if field.strip()]
            types.structs[f"{package}.{name}"] = [
                GoField(field, _qualify(written.rstrip("!"), package), not written.endswith("!"))
                for field, written in fields
            ]


def _qualify(written: str, package: str) -> str:
    for prefix in ("*", "[]", "map[string]"):
        if written.startswith(prefix):
            return prefix + _qualify(written[len(prefix) :], package)
    if written.startswith("meta."):
        return f"{_META}.{written[5:]}"
    return written if written in _BUILT_IN else f"{package}.{written}"
