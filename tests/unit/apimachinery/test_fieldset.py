"""The algebra of field sets, checked against plain sets of paths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apimachinery.fieldmanager import fieldset
from apimachinery.fieldmanager.fieldset import LEAF, SELF, FieldSet

Path = tuple[str, ...]
paths = st.frozensets(
    st.lists(st.sampled_from(["f:a", "f:b", 'k:{"n":1}']), min_size=1, max_size=3).map(tuple), max_size=8
)


def from_paths(members: frozenset[Path]) -> FieldSet:
    out: FieldSet = {}
    for path in members:
        node: FieldSet = LEAF
        for element in reversed(path):
            node = {element: node}
        out = fieldset.union(out, node)
    return out


def to_paths(fields: FieldSet, prefix: Path = ()) -> frozenset[Path]:
    found: set[Path] = set()
    for element, below in fields.items():
        if element == SELF:
            continue
        if fieldset.is_member(below):
            found.add((*prefix, element))
        found |= to_paths(below, (*prefix, element))
    return frozenset(found)


@given(paths)
def test_a_set_holds_the_paths_it_was_made_of(members: frozenset[Path]) -> None:
    assert to_paths(from_paths(members)) == members


@given(paths, paths)
def test_operations_are_those_of_sets_of_paths(left: frozenset[Path], right: frozenset[Path]) -> None:
    one, other = from_paths(left), from_paths(right)
    assert to_paths(fieldset.union(one, other)) == left | right
    assert to_paths(fieldset.intersection(one, other)) == left & right
    assert to_paths(fieldset.difference(one, other)) == left - right
    assert (to_paths(one), to_paths(other)) == (left, right)


@given(paths, paths)
def test_equal_sets_are_written_alike(left: frozenset[Path], right: frozenset[Path]) -> None:
    one = fieldset.union(from_paths(left), from_paths(right))
    other = fieldset.union(from_paths(right), from_paths(left))
    assert fieldset.ordered(one) == fieldset.ordered(other) == one
    assert fieldset.difference(one, other) == {}


@given(paths, paths)
def test_results_are_written_as_if_made_anew(left: frozenset[Path], right: frozenset[Path]) -> None:
    one, other = from_paths(left), from_paths(right)
    for found, members in (
        (fieldset.union(one, other), left | right),
        (fieldset.intersection(one, other), left & right),
        (fieldset.difference(one, other), left - right),
    ):
        assert fieldset.ordered(found) == fieldset.ordered(from_paths(members))


def test_paths_are_shown_members_first() -> None:
    fields = {
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}}}},
        "f:metadata": {"f:finalizers": {'v:"a"': {}}},
        "f:list": {"i:3": {}},
    }
    assert list(fieldset.paths(fields)) == [
        ".list[3]",
        '.metadata.finalizers[="a"]',
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].name',
    ]
