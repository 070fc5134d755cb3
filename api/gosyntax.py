"""Values as Go's %#v prints them: some of the reference's error texts show whole structs that way.

Pure. Only the few shapes that occur in error texts; pointers print as an address, which no client can compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apimachinery.fielderrors import GoSyntax, go_quote, go_value
from apimachinery.objects import parse_time
from apimachinery.quantity import Quantity

#: What stands for the address in a printed pointer.
ADDRESS = "0xc000000000"


def string_list(values: Iterable[str]) -> str:
    """[]string{"a", "b"}."""
    return "[]string{" + ", ".join(go_quote(value) for value in values) + "}"


def string_map(values: Mapping[str, str] | None) -> str:
    """map[string]string{"a":"b"}, sorted by key."""
    if not values:
        return "map[string]string(nil)"
    return "map[string]string{" + ", ".join(f"{go_quote(k)}:{go_quote(values[k])}" for k in sorted(values)) + "}"


def json_value(value: Any) -> Any:
    """A decoded JSON value as errors show it: scalars as they are, map[string]interface {}{"a":1}, sorted by key."""
    return GoSyntax(_interface(value)) if isinstance(value, (dict, list)) else value


def _interface(value: Any) -> str:
    if isinstance(value, dict):
        parts = ", ".join(f"{go_quote(key)}:{_interface(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{parts}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_interface, value))}}}"
    return "interface {}(nil)" if value is None else go_value(value)


def byte_list(data: bytes) -> str:
    """[]byte{0x6e}."""
    if not data:
        return "[]byte(nil)"
    return "[]byte{" + ", ".join(f"0x{byte:x}" for byte in data) + "}"


def int_or_string(value: int | str | None) -> str:
    """intstr.IntOrString{...}; the type is 0 for numbers and 1 for texts."""
    if isinstance(value, str):
        return f"intstr.IntOrString{{Type:1, IntVal:0, StrVal:{go_quote(value)}}}"
    return f'intstr.IntOrString{{Type:0, IntVal:{value or 0}, StrVal:""}}'


def _requirement(expression: Mapping[str, Any]) -> str:
    key, operator = (go_quote(expression.get(field) or "") for field in ("key", "operator"))
    values = string_list(expression["values"]) if expression.get("values") else "[]string(nil)"
    return f"v1.LabelSelectorRequirement{{Key:{key}, Operator:{operator}, Values:{values}}}"


def label_selector(selector: Mapping[str, Any] | None) -> str:
    """v1.LabelSelector{...}."""
    selector = selector or {}
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    shown = "[]v1.LabelSelectorRequirement(nil)"
    if expressions:
        parts = [_requirement(expression) for expression in expressions]
        shown = "[]v1.LabelSelectorRequirement{" + ", ".join(parts) + "}"
    return f"v1.LabelSelector{{MatchLabels:{string_map(selector.get('matchLabels'))}, MatchExpressions:{shown}}}"


def typed_list(type_name: str, values: Iterable[str] | None) -> GoSyntax:
    """[]core.T{"a", "b"} of rendered items."""
    return GoSyntax(f"[]{type_name}(nil)" if values is None else f"[]{type_name}{{{', '.join(values)}}}")


def named_strings(type_name: str, values: Iterable[str] | None) -> GoSyntax:
    """[]storage.VolumeLifecycleMode{"Persistent"}: a list of strings, or of a type that is one."""
    return typed_list(type_name, None if values is None else [go_quote(value) for value in values])


def time_value(text: str | None) -> GoSyntax:
    """A metav1.Time: 2024-05-01 00:00:00 +0000 UTC; the year 1 for none."""
    moment = parse_time(text).astimezone(UTC).replace(tzinfo=None) if text else datetime.min
    return GoSyntax(f"{moment.isoformat(' ', 'seconds')} +0000 UTC")


def object_meta(meta: Mapping[str, Any]) -> GoSyntax:
    """v1.ObjectMeta{...} of what a client can send where there should be nothing."""
    texts = {name: go_quote(meta.get(field) or "") for name, field in _META_TEXTS}
    finalizers = meta.get("finalizers")
    return struct(
        "v1.ObjectMeta",
        **texts,
        Generation=str(meta.get("generation") or 0),
        CreationTimestamp="time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)",
        DeletionTimestamp="<nil>",
        DeletionGracePeriodSeconds=pointer("int64", None),
        Labels=string_map(meta.get("labels")),
        Annotations=string_map(meta.get("annotations")),
        OwnerReferences="[]v1.OwnerReference(nil)",
        Finalizers=string_list(finalizers) if finalizers else "[]string(nil)",
        ManagedFields="[]v1.ManagedFieldsEntry(nil)",
    )


_META_TEXTS = (
    ("Name", "name"), ("GenerateName", "generateName"), ("Namespace", "namespace"), ("SelfLink", "selfLink"),
    ("UID", "uid"), ("ResourceVersion", "resourceVersion"),
)  # fmt: skip


def struct(type_name: str, **fields: str) -> GoSyntax:
    """core.T{A:1, B:"b"} of rendered fields, in Go's order."""
    return GoSyntax(f"{type_name}{{{', '.join(f'{name}:{value}' for name, value in fields.items())}}}")


def pointer(type_name: str, value: object) -> str:
    """(*bool)(nil) or (*bool)(0xc000000000)."""
    return f"(*{type_name})({'nil' if value is None else ADDRESS})"


def raw(text: str) -> GoSyntax:
    """A rendered value, to be shown as it is."""
    return GoSyntax(text)


def quantity_value(value: Quantity) -> GoSyntax:
    """resource.Quantity{...} as Go's parser makes it of the canonical text; of fractions, of the text with a point."""
    text = str(value)
    mantissa, scale, kept = _binary(value, text) if value.format == "BinarySI" else _decimal(value, text)
    amount = f"resource.int64Amount{{value:{mantissa}, scale:{scale}}}"
    empty = "resource.infDecAmount{Dec:(*inf.Dec)(nil)}"
    shown = go_quote(text if kept else "")
    return GoSyntax(f'resource.Quantity{{i:{amount}, d:{empty}, s:{shown}, Format:"{value.format}"}}')


def _decimal(value: Quantity, text: str) -> tuple[int, int, bool]:
    """Mantissa, scale, and whether Go remembers the text."""
    mantissa, scale = value.nanos, -9
    while mantissa and mantissa % 10 == 0 and scale < 0:
        mantissa, scale = mantissa // 10, scale + 1
    if scale < 0 and mantissa:
        return mantissa, scale, False
    digits, _, exponent = text.partition("e")
    digits = digits.rstrip("kMGTPE")
    scale = int(exponent) if exponent else 3 * _DECIMAL_SUFFIXES.index(text[len(digits) :])
    return int(digits), scale, not digits.endswith("000")


def _binary(value: Quantity, text: str) -> tuple[int, int, bool]:
    digits = text.rstrip("iKMGTPE")
    return value.nanos // 10**9, 0, int(digits) % 8 != 0


_DECIMAL_SUFFIXES = ("", "k", "M", "G", "T", "P", "E")


def scope_list(scopes: Iterable[str]) -> str:
    """[]core.ResourceQuotaScope{"BestEffort"}."""
    shown = ", ".join(go_quote(scope) for scope in scopes)
    return f"[]core.ResourceQuotaScope{{{shown}}}" if shown else "[]core.ResourceQuotaScope(nil)"


def go_rule(rule: Mapping[str, Any]) -> GoSyntax:
    """apiextensions.ValidationRule{...}."""
    texts = [f"{name}:{go_quote(rule.get(key) or '')}" for name, key in _RULE_TEXTS]
    reason = pointer("apiextensions.FieldValueErrorReason", rule.get("reason"))
    where = go_quote(rule.get("fieldPath") or "")
    return GoSyntax(f"apiextensions.ValidationRule{{{', '.join(texts)}, Reason:{reason}, FieldPath:{where}}}")


_RULE_TEXTS = (("Rule", "rule"), ("Message", "message"), ("MessageExpression", "messageExpression"))
