"""Accept and Content-Type headers."""

from __future__ import annotations

import pytest

from apimachinery.errors import NotAcceptable, UnsupportedMediaType
from apiserver.http.negotiate import JSON, LIST_VIEWS, OBJECT_VIEWS, YAML, body_media_type, choose, parse_accept
from apiserver.http.nonresource import wants_aggregated

_KUBECTL_GET = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("header", "media_type", "view"),
    [
        ("", JSON, ""),
        ("*/*", JSON, ""),
        ("application/yaml", YAML, ""),
        ("application/vnd.kubernetes.protobuf,application/json", JSON, ""),
        ("application/json;q=0.5,application/yaml", YAML, ""),
        (_KUBECTL_GET, JSON, "Table"),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", JSON, "PartialObjectMetadata"),
        ("application/json;as=Unknown;g=meta.k8s.io;v=v1,application/json", JSON, ""),
    ],
)
def test_the_first_clause_that_can_be_served_is_chosen(header: str, media_type: str, view: str) -> None:
    chosen = choose(header, OBJECT_VIEWS)
    assert (chosen.media_type, chosen.view) == (media_type, view)


def test_lists_have_views_of_their_own() -> None:
    header = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert choose(header, LIST_VIEWS).view == "PartialObjectMetadataList"
    with pytest.raises(NotAcceptable):
        choose(header, OBJECT_VIEWS)


def test_protobuf_alone_is_refused() -> None:
    with pytest.raises(NotAcceptable, match="only the following media types are accepted"):
        choose("application/vnd.kubernetes.protobuf")


def test_body_media_types() -> None:
    assert body_media_type("") == body_media_type("application/json; charset=utf-8") == JSON
    assert body_media_type("application/yaml") == YAML
    with pytest.raises(UnsupportedMediaType):
        body_media_type("text/plain")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", True),
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_aggregated_discovery_is_for_those_who_ask(header: str, wanted: bool) -> None:
    assert wants_aggregated(header) is wanted


def test_a_header_without_end_is_not_read_to_it() -> None:
    assert len(parse_accept("a/b," * 100_000)) < 1000
    assert choose("application/yaml," + "a/b," * 100_000).media_type == "application/yaml"
