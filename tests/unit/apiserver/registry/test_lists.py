"""Continue tokens, selections and option checks of lists."""

from __future__ import annotations

from random import Random

import pytest

from api.catalog import by_resource
from apimachinery.errors import BadRequest, Invalid
from apiserver.registry import continuation, reading
from apiserver.registry.continuation import Continuation
from apiserver.registry.objectmeta import UnknownReason, generated_name, parse_version
from apiserver.registry.reading import ListOptions
from apiserver.registry.selection import compile_selection


def test_tokens_round_trip() -> None:
    token = continuation.encode(Continuation(42, "default/x"))
    assert continuation.decode(token) == Continuation(42, "default/x")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "unexpected end of JSON input"),
        ("x", "illegal base64 data at input byte 0"),
        ("ab!", "illegal base64 data at input byte 2"),
        ("bm90IGpzb24", "invalid character 'o' in literal null (expecting 'u')"),
        ("e30", 'server does not recognize this encoded version ""'),
        (continuation.encode(Continuation(0, "a")), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (continuation.encode(Continuation(1, "../a")), "../a\0"),
    ],
)
def test_bad_tokens(token: str, why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        continuation.decode(token)
    assert str(refused.value) == f"invalid continue token: continue key is not valid: {why}"


def test_an_expired_token_offers_an_inconsistent_one() -> None:
    error = continuation.expired(Continuation(7, "default/x"))
    again = continuation.decode(error.status()["metadata"]["continue"])
    assert again == Continuation(continuation.INCONSISTENT, "default/x")


@pytest.mark.parametrize(
    "options",
    [
        ListOptions(resource_version_match="Exact"),
        ListOptions(resource_version_match="Exact", resource_version="0"),
        ListOptions(resource_version_match="Never", resource_version="5"),
        ListOptions(resource_version_match="NotOlderThan", resource_version="5", continue_token="x"),
        ListOptions(watch=True, resource_version_match="NotOlderThan"),
        ListOptions(watch=True, send_initial_events=True),
        ListOptions(send_initial_events=True),
    ],
)
def test_options_that_contradict_each_other(options: ListOptions) -> None:
    with pytest.raises(Invalid):
        reading.check(options)


def test_selection_by_labels_and_fields() -> None:
    pods = by_resource("", "v1", "pods")
    assert pods is not None
    selection = compile_selection(pods, "a=b,c", "spec.nodeName=n,metadata.name=x")
    assert selection.matches is not None
    assert (selection.name, selection.equalities) == ("x", {"a": "b"})
    good = {"metadata": {"name": "x", "labels": {"a": "b", "c": ""}}, "spec": {"nodeName": "n"}}
    assert selection.matches(good)
    assert not selection.matches({**good, "spec": {"nodeName": "m"}})
    assert not selection.matches({**good, "metadata": {"name": "x", "labels": {"a": "b"}}})


def test_unknown_fields_of_selectors() -> None:
    pods, config_maps = by_resource("", "v1", "pods"), by_resource("", "v1", "configmaps")
    assert pods is not None and config_maps is not None
    with pytest.raises(BadRequest, match=r"field label not supported: spec\.bogus"):
        compile_selection(pods, "", "spec.bogus=1")
    with pytest.raises(BadRequest, match=r'"data" is not a known field selector'):
        compile_selection(config_maps, "", "data=1")


def test_versions() -> None:
    assert parse_version("") == 0
    assert parse_version("12") == 12
    with pytest.raises(UnknownReason, match=r'strconv\.ParseUint: parsing "abc": invalid syntax'):
        parse_version("abc")


def test_generated_names_fit_a_label() -> None:
    name = generated_name("x" * 80, Random(1))
    assert len(name) == 63
    assert generated_name("web-", Random(1)).startswith("web-")
