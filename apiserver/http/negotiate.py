"""Which representation to answer with, and which one a body is in. Pure.

JSON and YAML are spoken; protobuf is refused, so that Go clients fall back to JSON. The views are Table and
PartialObjectMetadata (meta.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from apimachinery.errors import NotAcceptable, UnsupportedMediaType
from apimachinery.remembering import remembered

JSON = "application/json"
YAML = "application/yaml"
#: Media types served, in the order the error text names them.
SERVED = (JSON, YAML)
TABLE = "Table"
PARTIAL = "PartialObjectMetadata"
PARTIAL_LIST = "PartialObjectMetadataList"
#: Views of single objects, of lists.
OBJECT_VIEWS = frozenset({TABLE, PARTIAL})
LIST_VIEWS = frozenset({TABLE, PARTIAL_LIST})

_WILDCARDS = {"*/*": JSON, "application/*": JSON}
_MAX_CLAUSES = 256
_META_VERSIONS = frozenset({"v1", "v1beta1"})


@dataclass(frozen=True, slots=True)
class Representation:
    """The chosen answer: media type, and the view ("" for the object itself) with its meta.k8s.io version."""

    media_type: str = JSON
    view: str = ""
    view_version: str = ""
    pretty: bool = False

    @property
    def is_plain_json(self) -> bool:
        """Whether the stored bytes can be sent as they are."""
        return self.media_type == JSON and not self.view and not self.pretty


PLAIN = Representation()


@dataclass(frozen=True, slots=True)
class Clause:
    """One media range of an Accept header."""

    media_type: str
    parameters: dict[str, str]
    quality: float


@remembered(512)
def parse_accept(header: str) -> tuple[Clause, ...]:
    """The clauses in order of preference; what comes after very many is not looked at."""
    clauses = []
    for text in header.split(",", _MAX_CLAUSES)[:_MAX_CLAUSES]:
        media_type, *rest = (part.strip() for part in text.split(";"))
        if not media_type:
            continue
        parameters = dict(_parameter(part) for part in rest if part)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        clauses.append(Clause(media_type.lower(), parameters, quality))
    return tuple(sorted(clauses, key=lambda clause: -clause.quality))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip().strip('"')


@remembered(512)
def choose(header: str, views: frozenset[str] = frozenset()) -> Representation:
    """The representation for an Accept header where `views` are on offer; raises NotAcceptable."""
    if not header:
        return PLAIN
    for clause in parse_accept(header):
        media_type = _WILDCARDS.get(clause.media_type, clause.media_type)
        if media_type not in SERVED or clause.quality <= 0:
            continue
        view = clause.parameters.get("as", "")
        version = clause.parameters.get("v", "")
        pretty = clause.parameters.get("pretty") in ("1", "true")
        if not view:
            return Representation(media_type, pretty=pretty)
        known = clause.parameters.get("g") == "meta.k8s.io" and version in _META_VERSIONS
        if view in views and known:
            return Representation(media_type, view, version, pretty)
    raise not_acceptable(SERVED)


def not_acceptable(served: Collection[str]) -> NotAcceptable:
    """The 406 that names what is served."""
    return NotAcceptable(f"only the following media types are accepted: {', '.join(served)}")


def body_media_type(content_type: str) -> str:
    """JSON or YAML, by the Content-Type of a request's body; raises UnsupportedMediaType."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type or media_type == JSON:
        return JSON
    if media_type == YAML:
        return YAML
    accepted = ", ".join(SERVED)
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    )
