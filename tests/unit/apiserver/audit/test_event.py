from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from apiserver.audit.event import Record, event, legacy_line, line, source_ips
from apiserver.audit.policy import Decided, Level
from apiserver.interfaces import Attributes, UserInfo

NOW = datetime(2024, 5, 6, 7, 8, 9, 120, UTC)
BODY = b'{"kind":"Secret","metadata":{"name":"a","managedFields":[{}]},"data":{"x":"eA=="}}'


def record(level: Level, *, omit_managed_fields: bool = False, **changes: Any) -> Record:
    attributes = Attributes(
        user=UserInfo("eve", groups=("devs",)), verb="create", path="/api/v1/namespaces/default/secrets",
        version="v1", resource="secrets", namespace="default",
    )  # fmt: skip
    decided = Decided(level, omit_managed_fields=omit_managed_fields)
    made = Record("id", "/api/v1/namespaces/default/secrets?x=1", attributes, ("10.0.0.1",), "test", NOW, decided)
    for name, value in {
        "request_body": BODY,
        "response_body": BODY,
        "code": 201,
        "object_name": "a",
        **changes,
    }.items():
        setattr(made, name, value)
    return made


def test_metadata_has_everything_but_bodies() -> None:
    assert event(record(Level.METADATA, annotations={"k": "v"}), "ResponseComplete", NOW) == {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "id",
        "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/default/secrets?x=1", "verb": "create",
        "user": {"username": "eve", "groups": ["devs"]}, "sourceIPs": ["10.0.0.1"], "userAgent": "test",
        "objectRef": {"resource": "secrets", "namespace": "default", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestReceivedTimestamp": "2024-05-06T07:08:09.000120Z", "stageTimestamp": "2024-05-06T07:08:09.000120Z",
        "annotations": {"k": "v"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "stage", "bodies"),
    [
        (Level.METADATA, "ResponseComplete", set()),
        (Level.REQUEST, "ResponseComplete", {"requestObject"}),
        (Level.REQUEST_RESPONSE, "ResponseComplete", {"requestObject", "responseObject"}),
        (Level.REQUEST_RESPONSE, "RequestReceived", set()),
    ],
)
def test_bodies_by_level(level: Level, stage: str, bodies: set[str]) -> None:
    assert {"requestObject", "responseObject"} & event(record(level), stage, NOW).keys() == bodies


def test_managed_fields_are_left_out_of_objects_and_lists() -> None:
    listed = b'{"items":[' + BODY + b"]}"
    made = event(
        record(Level.REQUEST_RESPONSE, omit_managed_fields=True, response_body=listed), "ResponseComplete", NOW
    )
    assert b"managedFields" not in orjson.dumps(made)
    assert made["responseObject"]["items"][0]["data"] == {"x": "eA=="}


def test_an_error_is_told_at_every_level_and_bad_bodies_are_left_out() -> None:
    status = {"kind": "Status", "status": "Failure", "message": "no", "reason": "Forbidden", "code": 403}
    failed = record(Level.METADATA, code=403, response_body=orjson.dumps(status), request_body=b"{")
    made = event(failed, "ResponseComplete", NOW)
    assert made["responseStatus"] == {
        "metadata": {}, "status": "Failure", "message": "no", "reason": "Forbidden", "code": 403,
    }  # fmt: skip


def test_hostile_texts_stay_one_line() -> None:
    hostile = record(Level.METADATA, user_agent='a"\n' + "x" * 2000, audit_id="y" * 100, uri="/\udcff")
    for written in (line(hostile, "ResponseComplete", NOW), legacy_line(hostile, "ResponseComplete", NOW)):
        assert written.count(b"\n") == 1
    made = event(hostile, "ResponseComplete", NOW)
    assert len(made["userAgent"]) == 1024
    assert made["userAgent"].endswith("...TRUNCATED")
    assert len(made["auditID"]) == 64


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ("9.9.9.9",)),
        ({"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}, ("1.1.1.1", "2.2.2.2", "9.9.9.9")),
        ({"X-Forwarded-For": "1.1.1.1, 9.9.9.9"}, ("1.1.1.1", "9.9.9.9")),
        ({"X-Real-Ip": "3.3.3.3"}, ("3.3.3.3", "9.9.9.9")),
    ],
)
def test_source_ips(headers: dict[str, str], expected: tuple[str, ...]) -> None:
    assert source_ips(headers, "9.9.9.9") == expected
