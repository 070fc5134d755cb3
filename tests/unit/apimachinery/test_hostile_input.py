"""Nonsense from a client ends in an error that says so, never in another exception, and changes nothing given.

The nonsense follows the schema most of the way, so that it gets deep into it, and then goes wrong somewhere."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apimachinery import fieldmanager, schema
from apimachinery.decode import SyntaxProblem
from apimachinery.decode_yaml import decode_yaml_strict
from apimachinery.errors import ApiError
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import json_patch, merge_patch, strategic
from apimachinery.schema import DecodeError, TypeSchema, model

SCHEMAS = schema.load()
NOW = datetime(2024, 5, 1, tzinfo=UTC)
KINDS = (
    "/v1/Pod",
    "/v1/Service",
    "/v1/Secret",
    "apps/v1/Deployment",
    "batch/v1/CronJob",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
)
every_kind = pytest.mark.parametrize("kind", KINDS)
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 80, 2**40, 1.5, "", "a", "b", "delete", "merge", "1Gi", "TCP", "\0",
    [], {}, [{}], [[]],
)  # fmt: skip
FITTING: dict[str, tuple[Any, ...]] = {
    model.STRING: ("", "a", "b", "c"),
    model.BOOL: (True, False),
    model.INT32: (0, 1, 80),
    model.INT64: (0, 1),
    model.QUANTITY: ("1", "1Gi", 2, "x"),
    model.INT_OR_STRING: (1, "50%"),
    model.TIME: ("2024-05-01T00:00:00Z", None),
    model.BYTES: ("YQ==", ""),
}
DIRECTIVES = ({"$patch": "delete"}, {"$patch": "replace"}, {"$patch": "frob"}, {"$retainKeys": ["name"]})


def types_of(kind: str) -> TypeSchema:
    found = SCHEMAS.for_kind(*kind.split("/"))
    assert found is not None
    return found


def nonsense(types: TypeSchema, random: Random, depth: int = 0) -> Any:
    """A value that mostly fits the type."""
    if random.random() < 0.04:
        return deep_copy(random.choice(SCALARS))
    if types.kind == model.STRUCT:
        names = list(types.fields)
        chosen = random.sample(names, min(len(names), random.randint(0, 4 if depth < 5 else 1)))
        out = {name: nonsense(types.fields[name].type, random, depth + 1) for name in chosen}
        return _spoiled(out, random)
    if types.kind == model.LIST:
        return [nonsense(types.item, random, depth + 1) for _ in range(random.randint(0, 2))]
    if types.kind == model.MAP:
        return _spoiled({key: nonsense(types.item, random, depth + 1) for key in random.sample("abc", 2)}, random)
    return deep_copy(random.choice(FITTING.get(types.kind, SCALARS)))


def _spoiled(out: Object, random: Random) -> Object:
    if random.random() < 0.1:
        out |= deep_copy(random.choice(DIRECTIVES))
    if out and random.random() < 0.1:
        prefix = random.choice(("$setElementOrder/", "$deleteFromPrimitiveList/"))
        out[prefix + random.choice(list(out))] = deep_copy(random.choice([*SCALARS, [{"name": "a"}], ["a"]]))
    return out


def a_kind_of_object(types: TypeSchema, random: Random) -> Object:
    made = nonsense(types, random)
    return made if isinstance(made, dict) else {}


def decoded(types: TypeSchema, obj: Object) -> Object | None:
    """The object as the server would hold it, None where it would refuse it."""
    obj = deep_copy(obj)
    try:
        types.decode(obj)
    except DecodeError as error:
        assert str(error) and error.conversion
        return None
    return obj


@every_kind
@settings(deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_decoding(kind: str, random: Random) -> None:
    types = types_of(kind)
    once = decoded(types, a_kind_of_object(types, random))
    if once is not None:
        again = deep_copy(once)
        assert types.decode(again) == []
        assert again == once


@every_kind
@settings(deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_patches(kind: str, random: Random) -> None:
    types = types_of(kind)
    held = decoded(types, a_kind_of_object(types, random)) or {}
    patch = a_kind_of_object(types, random)
    paths = [*(f"/{name}" for name in held), "", "/a/b", "/spec/-", "x"]
    verbs = ("add", "remove", "move", "copy", "test")
    operations = [
        {"op": random.choice(verbs), "path": random.choice(paths), "from": random.choice(paths)} for _ in range(3)
    ]
    before = deep_copy([held, patch, operations])
    for attempt in (
        lambda: strategic.apply(held, patch, types),
        lambda: merge_patch.apply(held, patch),
        lambda: json_patch.apply(held, json_patch.check(operations)),
    ):
        try:
            attempt()
        except ApiError as error:
            assert error.status()["message"]
    assert [held, patch, operations] == before


@every_kind
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False))
def test_field_management(kind: str, random: Random) -> None:
    types = types_of(kind)
    new = a_kind_of_object(types, random)
    held, wanted = decoded(types, a_kind_of_object(types, random)), decoded(types, new)
    before = deep_copy([held, wanted, new])
    options: dict[str, Any] = {"manager": "m", "subresource": "", "schema": types, "now": NOW}
    if wanted is not None:
        fieldmanager.update(held, wanted, **options)
    try:
        once = fieldmanager.apply(held, new, force=True, **options)
        fieldmanager.apply(once, {}, force=False, **{**options, "manager": "n"})
    except ApiError as error:
        assert error.status()["message"]
    assert [held, wanted, new] == before


def _laughs(rounds: int, width: int = 9) -> bytes:
    """Lists of lists: `width` to the power of `rounds` values, in few words."""
    lines = ["a0: &a0 [x]"]
    for number in range(1, rounds + 1):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * width)}]")
    return "\n".join(lines).encode()


def test_a_document_of_aliases_of_aliases_is_refused() -> None:
    for rounds in (4, 8, 40):
        with pytest.raises(SyntaxProblem, match="yaml: document contains excessive aliasing"):
            decode_yaml_strict(_laughs(rounds))
    assert decode_yaml_strict(_laughs(2))[0]["a1"] == [["x"]] * 9
    shared = b"base: &base {a: 1, b: [1, 2]}\n" + b"\n".join(b"k%d: *base" % number for number in range(200))
    assert decode_yaml_strict(shared)[0]["k7"] == {"a": 1, "b": [1, 2]}


@pytest.mark.parametrize("rounds", [400, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b"{a: ", b"}"), (b"- ", b""), (b"? ", b""), (b"[{a: ", b"}]"), (b"[", b"")]
)
def test_a_document_without_a_bottom_is_refused(opening: bytes, closing: bytes, rounds: int) -> None:
    """The parser is C: at the end of its stack the process is gone."""
    with pytest.raises(SyntaxProblem):
        decode_yaml_strict(b"a:\n " + opening * rounds + b"x" + closing * rounds)


def test_a_deep_document_is_none_that_is_too_deep() -> None:
    assert decode_yaml_strict(b"a: " + b"[" * 100 + b"]" * 100)[0]["a"]
    for text in (b"a: " + b"[" * 600 + b"]" * 600, b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}"):
        with pytest.raises(SyntaxProblem, match="yaml: exceeded max depth of 200"):
            decode_yaml_strict(text)
    long = b"a: [" + b", ".join([b"{b: [1, 2]}"] * 1000) + b"]"
    assert len(decode_yaml_strict(long)[0]["a"]) == 1000


def test_a_document_within_itself_is_no_endless_loop() -> None:
    for text in (b"a: &a [*a]", b"a: &a {b: *a}", b"&a a: *a"):
        with contextlib.suppress(SyntaxProblem):
            decode_yaml_strict(text)
