"""The short walk of a create finds what the long one of an update finds."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from apimachinery import schema
from apimachinery.fieldmanager import fieldset, walks
from apimachinery.objects import Object
from apimachinery.schema import TypeSchema

_POD = schema.load().for_kind("", "v1", "Pod")
assert _POD is not None

_TEXTS = st.sampled_from(["", "a", "b"])
_NUMBERS = st.sampled_from([80, 443])
_MAPS = st.none() | st.dictionaries(_TEXTS, _TEXTS, max_size=2)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A struct with any of these fields, null, or empty."""
    return st.none() | st.fixed_dictionaries({}, optional=fields)


_PORTS = st.none() | st.lists(some(containerPort=_NUMBERS, protocol=_TEXTS, name=_TEXTS), max_size=3)
_CONTAINERS = st.none() | st.lists(some(name=_TEXTS, ports=_PORTS, args=st.lists(_TEXTS, max_size=2)), max_size=2)
_SPECS = some(
    containers=_CONTAINERS, nodeSelector=_MAPS, hostNetwork=st.booleans(), securityContext=some(fsGroup=_NUMBERS)
)
_METADATA = some(labels=_MAPS, finalizers=st.none() | st.lists(_TEXTS, max_size=3), creationTimestamp=st.none())
_PODS = st.fixed_dictionaries({}, optional={"metadata": _METADATA, "spec": _SPECS, "status": some(phase=_TEXTS)})


@given(old=_PODS, new=_PODS)
@example(old=_POD.zero, new={"spec": {"containers": [{"name": "a"}, {"name": "a"}]}})
def test_differing_is_what_compare_adds_and_modifies(old: Object, new: Object) -> None:
    assert _shown(walks.differing(_type(), old, new)) == _shown(_compared(old, new))


def _type() -> TypeSchema:
    assert _POD is not None
    return _POD


def _compared(old: Object, new: Object) -> fieldset.FieldSet:
    found = walks.compare(_type(), old, new)
    return fieldset.ordered(fieldset.union(found.added, found.modified))


def _shown(fields: fieldset.FieldSet) -> str:
    """As text, since the order counts too."""
    return json.dumps(fields)
