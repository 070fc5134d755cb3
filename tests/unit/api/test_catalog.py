"""Every resource is declared once, and can be found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api import resources
from api.catalog import KINDS, OPTIONAL_KINDS, by_kind, by_resource
from api.kind import Kind
from apimachinery.meta import Resource

ALL = [value for value in vars(resources).values() if isinstance(value, Resource)]


def test_every_resource_has_one_kind() -> None:
    kinds = (*KINDS, *OPTIONAL_KINDS)
    assert len(kinds) == len(ALL)
    assert {kind.resource for kind in kinds} == set(ALL)


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: f"{resource.group}/{resource.plural}")
def test_look_ups_agree(resource: Resource) -> None:
    kind = by_resource(resource.group, resource.version, resource.plural)
    assert kind is not None
    assert kind is by_kind(resource.group, resource.version, resource.kind)


def test_what_is_unknown_is_not_found() -> None:
    assert by_resource("", "v1", "gadgets") is None
    assert by_kind("apps", "v1beta1", "Deployment") is None


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (resources.SERVICES, "services/specs"),
        (resources.ENDPOINTS, "services/endpoints"),
        (resources.NODES, "minions"),
        (resources.REPLICATION_CONTROLLERS, "controllers"),
        (resources.INGRESSES, "ingress"),
        (resources.EVENTS, "events"),
    ],
)
def test_objects_lie_where_the_reference_keeps_them(resource: Resource, path: str) -> None:
    kind = by_resource(resource.group, resource.version, resource.plural)
    assert kind is not None
    assert kind.storage_path == path


def test_stored_kinds_have_a_place_and_reviews_have_none() -> None:
    for kind in KINDS:
        assert bool(kind.storage_path) == ("watch" in kind.verbs), kind.resource


def test_versions_of_one_kind_share_a_place() -> None:
    for kind in KINDS:
        if kind.stored_as is not None:
            stored = by_resource(kind.stored.group, kind.stored.version, kind.stored.plural)
            assert stored is not None
            assert stored.storage_path == kind.storage_path


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.cells], ids=lambda kind: f"{kind.resource.group}/{kind.kind}"
)
def test_rows_fit_their_columns_even_for_the_barest_object(kind: Kind) -> None:
    assert kind.cells is not None
    row = kind.cells({"metadata": {"name": "x"}}, datetime(2024, 1, 1, tzinfo=UTC))
    assert len(row) == len(kind.columns)
    assert row[[column.name for column in kind.columns].index("Name")] == "x"
