"""Whatever decodes can be defaulted, judged and shown: no object of any kind ends in an exception."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from api import catalog
from api.kind import Kind
from apimachinery import schema
from apimachinery.objects import Object
from apimachinery.schema import DecodeError, TypeSchema, model

SCHEMAS = schema.load()
NOW = datetime(2024, 5, 1, tzinfo=UTC)
ROUNDS = 25
STRINGS = (
    "", "a", "b", "A b", "TCP", "10.0.0.1", "::1", "10.0.0.0/8", "Always", "In", "Exists", "kubernetes.io/hostname",
    "x" * 300, "*", "ü", "1", "-1", "50%", "http://h/x", "RollingUpdate", "v1", "Pod", "*/5 * * * *", "ClusterIP",
    "..", "$(A)", "Webhook", "image.example.com/a:b@c",
)  # fmt: skip
FITTING: dict[str, tuple[Any, ...]] = {
    model.STRING: STRINGS,
    model.BOOL: (True, False),
    model.INT32: (0, 1, 80, -5, 2**31 - 1, 70000),
    model.INT64: (0, 1, -1, 2**62),
    model.QUANTITY: ("1", "1Gi", "-1", "0", "100m", "1e3"),
    model.INT_OR_STRING: (1, "50%", "http", -1, 0, "200%"),
    model.TIME: ("2024-05-01T00:00:00Z", None),
    model.BYTES: ("YQ==", ""),
}
ANYTHING: tuple[Any, ...] = (None, 1, "a", {}, [], {"a": 1})


def fitting(types: TypeSchema, random: Random, width: int, depth: int = 0) -> Any:
    """A value of the type; `width` is how many fields a struct may have."""
    if types.kind == model.STRUCT:
        names = list(types.fields)
        chosen = random.sample(names, random.randint(0, min(len(names), width if depth < 6 else 1)))
        return {name: fitting(types.fields[name].type, random, width, depth + 1) for name in chosen}
    if types.kind == model.LIST:
        return [fitting(types.item, random, width, depth + 1) for _ in range(random.randint(0, 3))]
    if types.kind == model.MAP:
        keys = random.sample(STRINGS, random.randint(0, 2))
        return {key: fitting(types.item, random, width, depth + 1) for key in keys}
    return copy.deepcopy(random.choice(FITTING.get(types.kind, ANYTHING)))


def an_object(types: TypeSchema, random: Random) -> Object:
    """A decoded object named "a"."""
    while True:
        obj: Object = fitting(types, random, random.choice((3, 6, 30)))
        obj.setdefault("metadata", {})["name"] = "a"
        try:
            types.decode(obj)
        except DecodeError:
            continue
        return obj


def mixed(new: Object, old: Object, random: Random) -> Object:
    """The old object with a part of the new one: such updates get past the first rules."""
    out = copy.deepcopy(old)
    for part in ("spec", "status"):
        if isinstance(new.get(part), dict) and isinstance(out.get(part), dict):
            for field in random.sample(sorted(new[part]), min(2, len(new[part]))):
                out[part][field] = copy.deepcopy(new[part][field])
    return out


def show(kind: Kind, obj: Object) -> None:
    """Everything that is worked out of an object that is only read."""
    if kind.cells is not None:
        assert len(kind.cells(obj, NOW)) == len(kind.columns)
    if kind.row_conditions is not None:
        kind.row_conditions(obj)
    for value in kind.selectable_fields.values():
        assert isinstance(value(obj), str)
    if kind.to_storage is not None and kind.from_storage is not None:
        kind.from_storage(kind.to_storage(copy.deepcopy(obj)))


@pytest.mark.parametrize("kind", catalog.KINDS, ids=lambda kind: f"{kind.resource.group}/{kind.resource.plural}")
def test_any_object(kind: Kind) -> None:
    types = SCHEMAS.for_kind(kind.resource.group, kind.resource.version, kind.kind)
    assert types is not None
    random = Random(kind.resource.plural)
    writers = [kind.strategy, *(each.strategy for each in kind.subresources if each.strategy is not None)]
    for _ in range(ROUNDS):
        old, other = an_object(types, random), an_object(types, random)
        kind.strategy.default(old)
        kind.strategy.default(other)
        show(kind, old)
        kind.strategy.prepare_create(old)
        assert all(str(error) for error in kind.strategy.validate(old))
        kind.strategy.warnings(old, None)
        kind.strategy.grace_period_seconds(old, None)
        show(kind, old)
        for writer in writers:
            for new in (copy.deepcopy(other), mixed(other, old, random)):
                writer.prepare_update(new, old)
                assert all(str(error) for error in writer.validate_update(new, old))
                writer.warnings(new, old)


def test_defaults_are_the_same_when_defaulted_again() -> None:
    random = Random(1)
    for kind in catalog.KINDS:
        types = SCHEMAS.for_kind(kind.resource.group, kind.resource.version, kind.kind)
        for _ in range(ROUNDS if types is not None else 0):
            assert types is not None
            once = an_object(types, random)
            kind.strategy.default(once)
            again = copy.deepcopy(once)
            kind.strategy.default(again)
            assert again == once, kind.resource
