"""Answers as values, and how Status errors become one. Pure; `server.py` writes them to the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from apimachinery.errors import ApiError, MethodNotAllowed, NotFound, TooManyRequests
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apiserver.http.negotiate import JSON, PLAIN, YAML, Representation

TEXT = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Pieces:
    """A long body that is made while it is sent: its size in bytes, and its pieces, once."""

    size: int
    pieces: Iterable[bytes]

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


@dataclass(slots=True)
class Reply:
    """One complete answer."""

    status: int
    body: bytes | Pieces
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.body.size if isinstance(self.body, Pieces) else len(self.body)


def text_reply(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Plain text, as the paths that are no API answer."""
    return Reply(status, text.encode(), TEXT, {"X-Content-Type-Options": "nosniff", **(headers or {})})


def document(body: Object, representation: Representation = PLAIN, status: int = 200) -> Reply:
    """An object in the media type asked for."""
    if representation.media_type == YAML:
        return Reply(status, yaml_bytes(body), YAML)
    if representation.pretty:
        return Reply(status, orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    return Reply(status, orjson.dumps(body) + b"\n")


def encoded(raw: bytes | Pieces, representation: Representation = PLAIN, status: int = 200) -> Reply:
    """JSON bytes as they lie in the cache, in the media type asked for."""
    if representation.media_type == YAML or representation.pretty:
        whole = raw.whole() if isinstance(raw, Pieces) else raw
        return document(orjson.loads(whole), representation, status)
    if isinstance(raw, Pieces):
        return Reply(status, raw)
    return Reply(status, raw if raw.endswith(b"\n") else raw + b"\n")


def yaml_bytes(body: Object) -> bytes:
    """YAML as sigs.k8s.io/yaml writes it: block style, keys sorted."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumped: str = yaml.dump(body, Dumper=dumper, default_flow_style=False, sort_keys=True, allow_unicode=True)
    return dumped.encode()


def error_reply(error: ApiError, representation: Representation = PLAIN) -> Reply:
    """A Status."""
    reply = document(error.status(), Representation(representation.media_type, pretty=representation.pretty))
    reply.status = error.http_code
    if error.retry_after_seconds or isinstance(error, TooManyRequests):
        reply.headers = {"Retry-After": str(error.retry_after_seconds or 1)}
    return reply


def success_status(details: Object | None = None, *, code: int = 0) -> Object:
    """metav1.Status of success."""
    body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        body["details"] = details
    if code:
        body["code"] = code
    return body


def unknown_resource() -> NotFound:
    """The 404 of a resource path that nothing serves."""
    return NotFound("the server could not find the requested resource", details={})


def method_not_allowed() -> MethodNotAllowed:
    """The 405 of a verb that the resource does not have."""
    return MethodNotAllowed("the server does not allow this method on the requested resource", details={})


def terminating(resource: Resource) -> MethodNotAllowed:
    """The 405 of a POST of a custom resource whose definition is being deleted."""
    return MethodNotAllowed(
        "create not allowed while custom resource definition is terminating",
        details={"group": resource.group, "kind": resource.plural},
    )


#: Characters of all warnings together beyond which each is cut, and how many are left of it then.
_WARNINGS_MAX, _WARNING_CUT = 4096, 256


def warning_headers(texts: Iterable[str]) -> Iterator[str]:
    """The values of the Warning headers, each text once; too much of them is cut, and what comes after left out.

    As k8s.io/apiserver/pkg/endpoints/filters/warning.go does."""
    said = [text for text in dict.fromkeys(texts) if text]
    if sum(map(len, said)) > _WARNINGS_MAX:
        said = [text[:_WARNING_CUT] for text in said]
    written = 0
    for text in said:
        if written >= _WARNINGS_MAX:
            return
        written += len(text)
        yield warning_header(text)


def warning_header(text: str) -> str:
    """One Warning header's value: 299, no agent, quoted (RFC 7234), control characters taken out."""
    cleaned = "".join(char if char.isprintable() else " " for char in text)
    escaped = cleaned.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'
