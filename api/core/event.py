"""Events, one stored form (core/v1) seen through two APIs: rules, conversion, table, field selectors. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.gosyntax import struct, time_value
from api.kind import Column, Strategy
from api.table import since
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, namespace_of

COLUMNS = (
    Column(name="Last Seen", description="How long ago it happened last."),
    Column(name="Type", description="Normal, or a warning."),
    Column(name="Reason", description="One word for why."),
    Column(name="Object", description="What it happened to."),
    Column(name="Subobject", priority=1, description="Which part of it."),
    Column(name="Source", priority=1, description="Who says so."),
    Column(name="Message", description="What happened."),
    Column(name="First Seen", priority=1, description="How long ago it happened first."),
    Column(name="Count", priority=1, description="How often it happened."),
    Column(name="Name", format="name", priority=1, description="The event's own name."),
)
_LIMIT = 128
_MESSAGE_LIMIT = 1024
_NO_MATCH = "does not match event.namespace"


class EventStrategy(Strategy):
    """Events that come through core/v1."""

    allow_create_on_update = True

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL."""
        return names.path_segment_name(name, prefix)

    def validate(self, obj: Object) -> list[FieldError]:
        """The rules for events of old and of new reporters."""
        return _validate(obj)


class EventsEventStrategy(Strategy):
    """Events that come through events.k8s.io/v1, in the form that is stored; new ones are checked strictly."""

    allow_create_on_update = True

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateEventCreate."""
        errors = _validate(obj) + _validate_series(obj)
        if not obj.get("eventTime"):
            errors.append(fe.required("eventTime"))
        kind = obj.get("type") or ""
        if kind not in ("Normal", "Warning"):
            errors.append(fe.invalid("type", "", f"has invalid value: {kind}"))
        errors += [fe.invalid(field, "", "needs to be unset") for field in _DEPRECATED if obj.get(field)]
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateEventUpdate: only the series goes on."""
        errors = _validate(new)
        if new.get("series") != old.get("series"):
            errors += _validate_series(new)
        for field in _FIXED:
            value = new.get(field)
            if (value or None) != (old.get(field) or None):
                shown = _INTERNAL_NAMES.get(field, field)
                errors.append(fe.invalid(shown, _shown(field, value), FIELD_IMMUTABLE))
        return errors


_DEPRECATED = ("firstTimestamp", "lastTimestamp", "count", "source")
_INTERNAL_NAMES = {"reportingComponent": "reportingController"}
#: In the reference's order, which looks at the reason twice.
_FIXED = ("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
          "eventTime", "action", "related", "reportingComponent", "reportingInstance")  # fmt: skip
_REFERENCE = (
    ("Kind", "kind"), ("Namespace", "namespace"), ("Name", "name"), ("UID", "uid"), ("APIVersion", "apiVersion"),
    ("ResourceVersion", "resourceVersion"), ("FieldPath", "fieldPath"),
)  # fmt: skip


def _shown(field: str, value: Any) -> Any:
    """A field's value as Go prints the internal type."""
    if field == "involvedObject" or (field == "related" and value is not None):
        return struct("core.ObjectReference", **_texts(value, _REFERENCE))
    if field == "source":
        return struct("core.EventSource", **_texts(value, (("Component", "component"), ("Host", "host"))))
    if field.endswith("Timestamp") or field == "eventTime":
        return time_value(value)
    if field == "count":
        return value or 0
    return value if field == "related" else value or ""


def _texts(value: Mapping[str, Any] | None, fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: fe.go_quote((value or {}).get(field) or "") for name, field in fields}


def _validate_series(event: Object) -> list[FieldError]:
    series = event.get("series")
    if series is None:
        return []
    errors = []
    if (series.get("count") or 0) < 2:
        errors.append(fe.invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        errors.append(fe.required("series.lastObservedTime"))
    return errors


def _validate(event: Object) -> list[FieldError]:
    """legacyValidateEvent."""
    namespace, regarding = namespace_of(event), (event.get("involvedObject") or {}).get("namespace") or ""
    errors: list[FieldError] = []
    if not event.get("eventTime"):
        matches = namespace == regarding if regarding else namespace in ("", "default")
        if not matches:
            errors.append(fe.invalid("involvedObject.namespace", regarding, _NO_MATCH))
    else:
        if not regarding and namespace not in ("default", "kube-system"):
            errors.append(fe.invalid("involvedObject.namespace", regarding, _NO_MATCH))
        errors += _validate_reporter(event)
    errors.extend(fe.invalid("namespace", namespace, text) for text in names.dns1123_subdomain(namespace))
    return errors


def _validate_reporter(event: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    controller = event.get("reportingComponent") or ""
    if not controller:
        errors.append(fe.required("reportingController"))
    errors.extend(fe.invalid("reportingController", controller, text) for text in names.qualified_name(controller))
    for field in ("reportingInstance", "action", "reason"):
        value = event.get(field) or ""
        if not value:
            errors.append(fe.required(field))
        if len(value) > _LIMIT:
            errors.append(fe.invalid(field, "", f"can have at most {_LIMIT} characters"))
    if len(event.get("message") or "") > _MESSAGE_LIMIT:
        errors.append(fe.invalid("message", "", f"can have at most {_MESSAGE_LIMIT} characters"))
    return errors


#: events.k8s.io/v1 field -> core/v1 field, where they differ.
_TO_CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_FROM_CORE = {core: new for new, core in _TO_CORE.items()}
#: Fields that core/v1 always shows.
_CORE_ALWAYS: Mapping[str, Any] = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
_NEW_ALWAYS: Mapping[str, Any] = {
    "regarding": {},
    "eventTime": None,
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
}


def to_core(event: Object) -> Object:
    """An events.k8s.io/v1 Event in the form in which it is stored."""
    out = {_TO_CORE.get(field, field): value for field, value in event.items()}
    out["apiVersion"] = "v1"
    for field, value in _CORE_ALWAYS.items():
        out.setdefault(field, dict(value) if isinstance(value, dict) else value)
    return out


def from_core(event: Object) -> Object:
    """A stored Event as events.k8s.io/v1 shows it."""
    out = {_FROM_CORE.get(field, field): value for field, value in event.items()}
    out["apiVersion"] = "events.k8s.io/v1"
    for field, value in _NEW_ALWAYS.items():
        out.setdefault(field, dict(value) if isinstance(value, dict) else value)
    for field in ("reportingController", "reportingInstance"):
        if not out.get(field):
            out.pop(field, None)
    return out


def _source(source: Mapping[str, Any], event: Object) -> str:
    component = source.get("component") or event.get("reportingComponent") or ""
    instance = source.get("host") or event.get("reportingInstance")
    return f"{component}, {instance}" if instance else component


def cells(event: Object, now: datetime) -> list[Any]:
    """One row of core/v1 events."""
    subject = event.get("involvedObject") or {}
    happened, series = event.get("eventTime"), event.get("series")
    first = since(event.get("firstTimestamp") or happened, now)
    last = since(event.get("lastTimestamp"), now) if event.get("lastTimestamp") else first
    count = event.get("count") or 0
    if series is not None:
        count, last = series.get("count") or 0, since(series.get("lastObservedTime"), now)
    elif not count:
        count = 1
    kind, name = (subject.get("kind") or "").lower(), subject.get("name") or ""
    return [
        last,
        event.get("type") or "",
        event.get("reason") or "",
        f"{kind}/{name}" if name else kind,
        subject.get("fieldPath") or "",
        _source(event.get("source") or {}, event),
        (event.get("message") or "").strip(),
        first,
        count,
        event["metadata"].get("name"),
    ]


def events_cells(event: Object, now: datetime) -> list[Any]:
    """One row of events.k8s.io/v1 events."""
    return cells(to_core(event), now)


def _involved(field: str) -> Callable[[Object], str]:
    return lambda event: (event.get("involvedObject") or event.get("regarding") or {}).get(field) or ""


def _field(*names: str) -> Callable[[Object], str]:
    return lambda event: next((event[name] for name in names if event.get(name)), "")


def _reporter() -> Callable[[Object], str]:
    return _field("reportingComponent", "reportingController")


def _reason_source(event: Object) -> str:
    source = event.get("source") or event.get("deprecatedSource") or {}
    return source.get("component") or _reporter()(event)


# Asked of an event in either form: a selector in the words of one version is applied to what is stored.
_SUBJECT_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
SELECTABLE: Mapping[str, Callable[[Object], str]] = {
    **{f"involvedObject.{field}": _involved(field) for field in _SUBJECT_FIELDS},
    "reason": _field("reason"),
    "reportingComponent": _reporter(),
    "source": _reason_source,
    "type": _field("type"),
}
EVENTS_SELECTABLE: Mapping[str, Callable[[Object], str]] = {
    **{f"regarding.{field}": _involved(field) for field in _SUBJECT_FIELDS},
    "reason": _field("reason"),
    "reportingController": _reporter(),
    "source": _reason_source,
    "type": _field("type"),
}
EVENT = EventStrategy()
EVENTS_EVENT = EventsEventStrategy()
