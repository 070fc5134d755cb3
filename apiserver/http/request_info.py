"""What a URL asks for: verb, group, version, namespace, resource, name, subresource.

Pure. The rules are those of k8s.io/apiserver/pkg/endpoints/request; authorization and routing both use the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from apimachinery.remembering import remembered

Query = Mapping[str, Sequence[str]]

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
#: Sub-paths of a namespace that are subresources of the Namespace itself, not resources inside it.
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_TRUE = frozenset({"", "1", "t", "T", "true", "TRUE", "True"})
_NO_QUERY: Query = {}
_PATHS_KEPT = 4096  #: what clients do again and again: leases, statuses, creations


@dataclass(slots=True)
class RequestInfo:
    """One request, taken apart; shared with others of its like. For non-resource paths `verb` is the method in lower
    case."""

    path: str
    verb: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""  #: what follows the subresource, with a leading slash: the path behind `proxy`


def of_target(method: str, target: str) -> tuple[RequestInfo, Query]:
    """A request line taken apart, and its query parameters; neither is to be changed."""
    path, _, text = target.partition("?")
    if not text and method in _VERBS:
        return _of_path(path, method), _NO_QUERY
    query = parse_qs(text, keep_blank_values=True) if text else _NO_QUERY
    return parse(method, unquote(path), query), query


@remembered(_PATHS_KEPT)
def _of_path(path: str, method: str) -> RequestInfo:
    return parse(method, unquote(path), _NO_QUERY)


def is_true(query: Query, name: str) -> bool:
    """Whether a boolean parameter is given and says yes ("" counts as yes, as Go's conversion has it)."""
    values = query.get(name)
    return bool(values) and values[0] in _TRUE  # type: ignore[index]  # bool(values) rules None out


def first(query: Query, name: str) -> str:
    """The first value of a parameter, "" where it is absent."""
    values = query.get(name)
    return values[0] if values else ""


def parse(method: str, path: str, query: Query) -> RequestInfo:
    """Take a request apart. Never fails: what is no resource request is a non-resource request."""
    parts = path.strip("/").split("/")
    info = RequestInfo(path=path, verb=method.lower())
    if parts[0] == "api":
        if len(parts) < 3:
            return info
        info.version, parts = parts[1], parts[2:]
    elif parts[0] == "apis":
        if len(parts) < 4:
            return info
        info.group, info.version, parts = parts[1], parts[2], parts[3:]
    else:
        return info
    info.is_resource = True
    legacy_watch = parts[0] == "watch" and len(parts) > 1
    if legacy_watch:
        parts = parts[1:]
    info.verb = "watch" if legacy_watch else _VERBS.get(method, "")
    _split_resource(info, parts)
    if not legacy_watch:
        _refine_verb(info, query)
    return info


def _split_resource(info: RequestInfo, parts: list[str]) -> None:
    if parts[0] == "namespaces" and len(parts) > 1:
        info.namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    info.resource = parts[0]
    if len(parts) > 1:
        info.name = parts[1]
    if len(parts) > 2:
        info.subresource = parts[2]
    if len(parts) > 3:
        info.rest = "/" + "/".join(parts[3:])


def _refine_verb(info: RequestInfo, query: Query) -> None:
    if info.name:
        return
    if info.verb == "get":
        info.verb = "watch" if is_true(query, "watch") else "list"
        info.name = _name_of_field_selector(query)
    elif info.verb == "delete":
        info.verb = "deletecollection"


def _name_of_field_selector(query: Query) -> str:
    """A list restricted to one name is authorized as that name's."""
    if not query:
        return ""
    selector = first(query, "fieldSelector")
    for term in selector.split(",") if selector else ():
        key, mark, value = term.partition("=")
        if mark and key == "metadata.name" and not value.startswith("!"):
            return value.removeprefix("=")
    return ""
