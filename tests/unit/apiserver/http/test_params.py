"""Options in queries and bodies."""

from __future__ import annotations

import orjson
import pytest

from apimachinery.errors import BadRequest, Invalid
from apiserver.http.params import delete_options, list_options, manager_of, write_options
from apiserver.registry.context import STRICT, WARN


def test_write_options() -> None:
    assert write_options({}, "create") == (False, "", WARN)
    query = {"dryRun": ["All"], "fieldManager": ["me"], "fieldValidation": ["Strict"]}
    assert write_options(query, "update") == (True, "me", STRICT)


@pytest.mark.parametrize(
    ("query", "verb", "applies", "text"),
    [
        ({"dryRun": ["Some"]}, "create", False, 'dryRun: Unsupported value: []string{"Some"}: supported values: "All"'),
        ({}, "patch", True, "fieldManager: Required value: is required for apply patch"),
        ({"force": ["true"]}, "patch", False, "force: Forbidden: may not be specified for non-apply patch"),
        ({"fieldValidation": ["No"]}, "create", False, 'fieldValidation: Unsupported value: "No"'),
    ],
)
def test_bad_write_options(query: dict[str, list[str]], verb: str, applies: bool, text: str) -> None:
    with pytest.raises(Invalid) as raised:
        write_options(query, verb, applies=applies)
    assert text in raised.value.message


def test_delete_options_come_from_the_body_or_the_query() -> None:
    body = orjson.dumps(
        {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "gracePeriodSeconds": 5,
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": "u", "resourceVersion": "7"},
        }
    )
    options, dry_run = delete_options({"gracePeriodSeconds": ["1"]}, body, yaml=False)
    assert (options.grace_period_seconds, options.propagation_policy, options.uid) == (5, "Foreground", "u")
    assert options.resource_version == "7"
    assert not dry_run
    options, dry_run = delete_options({"gracePeriodSeconds": ["0"], "dryRun": ["All"]}, b"", yaml=False)
    assert (options.grace_period_seconds, dry_run) == (0, True)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"propagationPolicy": "Sometimes"}, Invalid),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, Invalid),
        ({"kind": "Pod"}, BadRequest),
        ({"gracePeriodSeconds": "soon"}, BadRequest),
        ({"gracePeriodSeconds": 2**63}, BadRequest),
    ],
)
def test_bad_delete_options(body: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        delete_options({}, orjson.dumps(body), yaml=False)


def test_list_options() -> None:
    options = list_options({"limit": ["5"], "timeoutSeconds": ["7"], "sendInitialEvents": ["false"]}, watch=False)
    assert (options.limit, options.timeout_seconds, options.send_initial_events) == (5, 7.0, False)
    with pytest.raises(BadRequest, match="invalid syntax"):
        list_options({"limit": ["x"]}, watch=False)
    with pytest.raises(BadRequest, match="invalid syntax"):
        list_options({"limit": ["1_0"]}, watch=False)
    for number in (str(2**63), "-" + "9" * 10_000):
        with pytest.raises(BadRequest, match="value out of range"):
            list_options({"limit": [number]}, watch=False)


def test_the_manager_is_named_or_the_user_agent() -> None:
    assert manager_of("me", "kubectl/v1") == "me"
    assert manager_of("", "kubectl/v1.28 (linux)") == "kubectl"
