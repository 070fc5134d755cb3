"""How often custom resources make the OpenAPI documents out of date; these are made anew when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from component.counter import LightCounter

_V2 = LightCounter(
    "apiextensions_openapi_v2_regeneration_count", "Changes of the document, by definition.", ("crd", "reason")
)
_V3 = LightCounter(
    "apiextensions_openapi_v3_regeneration_count",
    "Changes of the document of a group and version, by definition.",
    ("crd", "group", "version", "reason"),
)


def changed(definition: str, versions: Iterable[tuple[str, str]], reason: str) -> None:
    """A definition is served anew ("add", "update") or no longer ("remove"); `versions`: its groups and versions."""
    _V2.labels(definition, reason).inc()
    for group, version in versions:
        _V3.labels(definition, group, version, reason).inc()
