"""Discovery documents from the catalog."""

from __future__ import annotations

import pytest

from api.catalog import KINDS
from apiserver.discovery import documents


@pytest.mark.parametrize(
    ("versions", "best"),
    [
        (["v1beta1", "v1", "v2alpha1"], "v1"),
        (["v1", "v2"], "v2"),
        (["v1alpha1", "v1beta2", "v1beta3"], "v1beta3"),
    ],
)
def test_versions_are_ranked_by_stability_then_number(versions: list[str], best: str) -> None:
    assert min(versions, key=documents.version_rank) == best


def test_a_group_prefers_its_best_version() -> None:
    groups = documents.group_versions(KINDS)
    assert groups["autoscaling"] == ["v2", "v1"]
    assert documents.api_group("autoscaling", groups["autoscaling"])["preferredVersion"]["version"] == "v2"
    assert "" not in [group["name"] for group in documents.api_group_list(groups)["groups"]]


def test_resources_and_their_subresources_are_listed() -> None:
    listed = {entry["name"]: entry for entry in documents.api_resource_list(KINDS, "", "v1")["resources"]}
    assert listed["pods"]["shortNames"] == ["po"]
    assert listed["pods/eviction"]["group"] == "policy"
    assert listed["nodes"]["namespaced"] is False
    assert "storageVersionHash" not in listed["bindings"]


def test_the_aggregated_form_says_the_same() -> None:
    (core,) = documents.aggregated(KINDS, documents.group_versions(KINDS), {}, core=True)["items"]
    resources = {entry["resource"]: entry for entry in core["versions"][0]["resources"]}
    assert resources["pods"]["scope"] == "Namespaced"
    assert "log" in [sub["subresource"] for sub in resources["pods"]["subresources"]]
    listed = documents.aggregated(KINDS, documents.group_versions(KINDS), {}, core=False)["items"]
    groups = [item["metadata"]["name"] for item in listed]
    assert "apps" in groups
