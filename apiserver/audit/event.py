"""Audit events (audit.k8s.io/v1) as they are written: from what is known of a request to one line. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from apiserver.audit.policy import Decided, Level
from apiserver.interfaces import Attributes, UserInfo

_MAX_USER_AGENT = 1024
_MAX_AUDIT_ID = 64
_CUT = "...TRUNCATED"


@dataclass(slots=True)
class Record:
    """What is known of one request so far; `line` makes a stage's event of it."""

    audit_id: str
    uri: str
    attributes: Attributes  #: of the user who authenticated
    source_ips: tuple[str, ...]
    user_agent: str
    received: datetime
    decided: Decided
    impersonated: UserInfo | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    object_name: str = ""  #: of what a create made, where the URL does not say
    request_body: bytes | None = None
    request_is_yaml: bool = False
    response_body: bytes | None = None
    code: int = 0


def line(record: Record, stage: str, now: datetime) -> bytes:
    """The event of a stage as one line of JSON."""
    made = event(record, stage, now)
    try:
        return orjson.dumps(made) + b"\n"
    except TypeError:
        # A request line that is no UTF-8 gives texts that orjson refuses; that must not keep it out of the log.
        return json.dumps(made, separators=(",", ":")).encode() + b"\n"


def event(record: Record, stage: str, now: datetime) -> dict[str, Any]:
    """The event of a stage."""
    attributes, decided = record.attributes, record.decided
    made: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": decided.level.text,
        "auditID": record.audit_id[:_MAX_AUDIT_ID],
        "stage": stage,
        "requestURI": record.uri,
        "verb": attributes.verb,
        "user": _user(attributes.user),
    }
    if record.impersonated:
        made["impersonatedUser"] = _user(record.impersonated)
    if record.source_ips:
        made["sourceIPs"] = list(record.source_ips)
    if record.user_agent:
        made["userAgent"] = _shortened(record.user_agent)
    arrived = stage == "RequestReceived"
    sent = None if arrived or decided.level < Level.REQUEST else _body(record.request_body, yaml=record.request_is_yaml)
    if attributes.is_resource:
        made["objectRef"] = _reference(record, sent)
    answered = None
    if not arrived and record.code:
        answered = _body(record.response_body)
        made["responseStatus"] = _status(answered, record.code)
    if attributes.is_resource and sent is not None:
        made["requestObject"] = _shown(sent, decided)
    if answered is not None and attributes.is_resource and decided.level >= Level.REQUEST_RESPONSE:
        made["responseObject"] = _shown(answered, decided)
    made["requestReceivedTimestamp"] = _time(record.received)
    made["stageTimestamp"] = _time(now)
    if record.annotations:
        made["annotations"] = dict(record.annotations)
    return made


def _user(user: UserInfo) -> dict[str, Any]:
    made: dict[str, Any] = {"username": user.name}
    if user.uid:
        made["uid"] = user.uid
    if user.groups:
        made["groups"] = list(user.groups)
    if user.extra:
        made["extra"] = {key: list(values) for key, values in user.extra.items()}
    return made


def _reference(record: Record, sent: Any) -> dict[str, str]:
    attributes = record.attributes
    metadata = sent.get("metadata") if isinstance(sent, dict) and attributes.verb in ("create", "update") else None
    metadata = metadata if isinstance(metadata, dict) else {}
    found = {
        "resource": attributes.resource,
        "namespace": attributes.namespace,
        "name": attributes.name or record.object_name,
        "uid": metadata.get("uid"),
        "apiGroup": attributes.group,
        "apiVersion": attributes.version,
        "resourceVersion": metadata.get("resourceVersion"),
        "subresource": attributes.subresource,
    }
    return {key: value for key, value in found.items() if value and isinstance(value, str)}


def _status(answered: Any, code: int) -> dict[str, Any]:
    made: dict[str, Any] = {"metadata": {}}
    if isinstance(answered, dict) and answered.get("kind") == "Status":
        made.update((key, answered[key]) for key in ("status", "message", "reason", "details") if answered.get(key))
    made["code"] = code
    return made


def _body(body: bytes | None, *, yaml: bool = False) -> Any:
    """A body's object, None where it has none."""
    if not body:
        return None
    try:
        return _from_yaml(body) if yaml else orjson.loads(body)
    except ValueError:
        return None  # no object at all: the answer says what was wrong with it


def _from_yaml(body: bytes) -> Any:
    from apimachinery.decode_yaml import decode_yaml

    try:
        return decode_yaml(body)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _shown(obj: Any, decided: Decided) -> Any:
    if not decided.omit_managed_fields or not isinstance(obj, dict):
        return obj
    shown = _without_managed_fields(obj)
    if isinstance(shown.get("items"), list):
        shown["items"] = [_without_managed_fields(item) if isinstance(item, dict) else item for item in shown["items"]]
    return shown


def _without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return dict(obj)
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shortened(user_agent: str) -> str:
    if len(user_agent) <= _MAX_USER_AGENT:
        return user_agent
    return user_agent[: _MAX_USER_AGENT - len(_CUT)] + _CUT


def source_ips(headers: Mapping[str, str], remote: str) -> tuple[str, ...]:
    """Where a request came from: what proxies say of it, then the connection's other end."""
    forwarded = [part.strip() for part in headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if not forwarded and (real := headers.get("X-Real-Ip", "").strip()):
        forwarded = [real]
    if remote and (not forwarded or forwarded[-1] != remote):
        forwarded.append(remote)
    return tuple(forwarded)


def legacy_line(record: Record, stage: str, now: datetime) -> bytes:
    """The event as --audit-log-format=legacy writes it: name="value" pairs, without bodies."""
    attributes = record.attributes
    user = attributes.user
    groups = ",".join(json.dumps(group) for group in user.groups) or '"<none>"'
    impersonated = record.impersonated.name if record.impersonated else "<self>"
    of = record.impersonated.groups if record.impersonated else ()
    impersonated_groups = ",".join(json.dumps(group) for group in of) or '"<lookup>"'
    ip = record.source_ips[0] if record.source_ips else "<unknown>"
    response = str(record.code) if record.code and stage != "RequestReceived" else "<deferred>"
    pairs = {
        "AUDIT": json.dumps(record.audit_id), "stage": f'"{stage}"', "ip": json.dumps(ip),
        "method": json.dumps(attributes.verb), "user": json.dumps(user.name), "groups": groups,
        "as": json.dumps(impersonated), "asgroups": impersonated_groups,
        "user-agent": json.dumps(_shortened(record.user_agent)),
        "namespace": json.dumps(attributes.namespace or "<none>"),
        "uri": json.dumps(record.uri), "response": f'"{response}"',
    }  # fmt: skip
    audit = pairs.pop("AUDIT")
    rest = " ".join(f"{name}={value}" for name, value in pairs.items())
    return f"{_time(now)} AUDIT: id={audit} {rest}\n".encode()
