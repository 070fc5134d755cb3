"""Continue tokens of chunked lists: the revision of the snapshot and the key where the next chunk starts. Pure."""

from __future__ import annotations

import base64
import string
from dataclasses import dataclass

import orjson

from apimachinery.decode import SyntaxProblem, decode_json
from apimachinery.errors import BadRequest, Gone
from apimachinery.fielderrors import go_quote

_ALPHABET = frozenset(string.ascii_letters + string.digits + "-_")
_VERSION = "meta.k8s.io/v1"
#: A token of revision -1 goes on at the present state: the inconsistent continuation after a 410.
INCONSISTENT = -1

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a list goes on: after the key `after` (relative to the resource's prefix) at `revision`."""

    revision: int
    after: str


def encode(continuation: Continuation) -> str:
    """The token for metadata.continue."""
    body = orjson.dumps({"v": _VERSION, "rv": continuation.revision, "start": continuation.after + "\0"})
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def decode(token: str) -> Continuation:
    """The meaning of a token; raises BadRequest."""
    try:
        body = decode_json(_decoded(token))
    except (ValueError, SyntaxProblem) as error:
        raise _invalid(str(error)) from error
    version, revision, start = (body.get(field) for field in ("v", "rv", "start"))
    if version != _VERSION:
        raise _invalid(f"server does not recognize this encoded version {go_quote(str(version or ''))}")
    if not isinstance(revision, int) or revision == 0:
        raise _invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not isinstance(start, str) or not start:
        raise _invalid("encoded start key empty (version meta.k8s.io/v1)")
    if not start.endswith("\0") or len(start) < 2 or ".." in start.split("/"):
        raise _invalid(start)
    return Continuation(revision, start[:-1])


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid: {why}")


def _decoded(token: str) -> bytes:
    """The token's bytes; raises ValueError that names the first wrong one as Go does."""
    wrong = next((at for at, char in enumerate(token) if char not in _ALPHABET), None)
    if wrong is None and len(token) % 4 == 1:
        wrong = len(token) - 1
    if wrong is not None:
        raise ValueError(f"illegal base64 data at input byte {wrong}")
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def expired(continuation: Continuation) -> Gone:
    """The 410 for a snapshot that is no longer kept, with a token that goes on regardless."""
    error = Gone(_EXPIRED)
    error.list_meta = {"continue": encode(Continuation(INCONSISTENT, continuation.after))}
    return error
