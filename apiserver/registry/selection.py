"""Which objects a list, watch or deletecollection is about: label and field selectors as one predicate. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.kind import Kind
from apimachinery import fields, labels
from apimachinery.errors import BadRequest
from apimachinery.objects import Object, labels_of, name_of, namespace_of
from apiserver.watchcache.window import Trigger

Matcher = Callable[[Object], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """The selectors of one request, compiled for one kind."""

    matches: Matcher | None = None  #: None: everything
    name: str = ""  #: the one name that can match, from metadata.name=NAME
    namespace: str = ""  #: likewise
    equalities: Mapping[str, str] | None = None  #: label requirements that an index can answer
    only_equalities: bool = False  #: whether nothing else is asked
    trigger: Trigger | None = None  #: a value that a field of the kind must have


EVERYTHING = Selection()


def compile_selection(kind: Kind, label_selector: str, field_selector: str) -> Selection:
    """Parse both selectors; raises BadRequest with the reference's text."""
    if not label_selector and not field_selector:
        return EVERYTHING
    by_label = _parse_labels(label_selector)
    by_field = _parse_fields(field_selector)
    getters = _getters(kind, by_field) if by_field else {}
    name = _only_value(by_field, "metadata.name")
    namespace = _only_value(by_field, "metadata.namespace")
    matches = _matcher(by_label, by_field, getters)
    equalities = _equalities(by_label)
    only = by_field is None and by_label is not None and len(equalities or ()) == len(by_label.requirements)
    return Selection(matches, name, namespace, equalities, only, _trigger(kind, by_field))


def _parse_labels(text: str) -> labels.Selector | None:
    if not text:
        return None
    try:
        selector = labels.parse(text)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return None if selector.empty else selector


def _parse_fields(text: str) -> fields.FieldSelector | None:
    if not text:
        return None
    try:
        selector = fields.parse(text)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return selector if selector.requirements else None


def _getters(kind: Kind, selector: fields.FieldSelector) -> dict[str, Callable[[Object], str]]:
    known: dict[str, Callable[[Object], str]] = {"metadata.name": name_of}
    if kind.resource.namespaced or not (kind.selectable_fields or kind.custom):
        known["metadata.namespace"] = namespace_of
    known.update(kind.selectable_fields)
    chosen = {}
    for requirement in selector.requirements:
        getter = known.get(requirement.field)
        if getter is None:
            raise BadRequest(_unknown_field(kind, requirement.field))
        chosen[requirement.field] = getter
    return chosen


def _unknown_field(kind: Kind, field: str) -> str:
    if kind.selectable_fields or kind.custom:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _only_value(selector: fields.FieldSelector | None, field: str) -> str:
    for requirement in selector.requirements if selector else ():
        if requirement.field == field and requirement.operator in ("=", "=="):
            return requirement.value
    return ""


def _trigger(kind: Kind, selector: fields.FieldSelector | None) -> Trigger | None:
    for requirement in selector.requirements if selector else ():
        field_of = kind.selectable_fields.get(requirement.field)
        if field_of is not None and requirement.operator in ("=", "=="):
            return Trigger(field_of, requirement.value)
    return None


def _equalities(selector: labels.Selector | None) -> dict[str, str] | None:
    if selector is None:
        return None
    found = {
        requirement.key: next(iter(requirement.values))
        for requirement in selector.requirements
        if requirement.operator in ("=", "==", "in") and len(requirement.values) == 1
    }
    return found or None


def _matcher(
    by_label: labels.Selector | None,
    by_field: fields.FieldSelector | None,
    getters: Mapping[str, Callable[[Object], str]],
) -> Matcher | None:
    if by_field is None:
        if by_label is None:
            return None
        selects = by_label.matches
        return lambda obj: selects(labels_of(obj))
    field_selector = by_field

    def matches(obj: Object) -> bool:
        if by_label is not None and not by_label.matches(labels_of(obj)):
            return False
        return field_selector.matches({field: getter(obj) for field, getter in getters.items()})

    return matches
