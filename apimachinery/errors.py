"""The one error tree of server and client: HTTP code, reason and Status body of every API error.

Pure. The texts are those of k8s.io/apimachinery/pkg/api/errors; foreign exceptions are translated
into these once, at the border where they arise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object


class ApiError(Exception):
    """An answer other than success. `status()` is the metav1.Status body that says so."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None, retry_after_seconds: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.http_code: int = self.code
        self.http_reason: str = self.reason
        self.list_meta: dict[str, Any] = {}  #: the Status' metadata; a continue token beside a 410

    def status(self) -> Object:
        """The metav1.Status object of this error."""
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.list_meta,
            "status": "Failure",
            "message": self.message,
        }
        if self.http_reason:
            body["reason"] = self.http_reason
        details = dict(self.details or {})
        if self.retry_after_seconds:
            details["retryAfterSeconds"] = self.retry_after_seconds
        if details or self.details is not None:
            body["details"] = details
        body["code"] = self.http_code
        return body


class BadRequest(ApiError):
    """400: the request itself makes no sense."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """401: the caller is unknown."""

    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    """403: the caller may not, or admission refuses."""

    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    """404: no such object, resource or path."""

    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    """405: the resource does not support the verb."""

    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    """406: none of the accepted media types can be served."""

    code, reason = 406, "NotAcceptable"


class Conflict(ApiError):
    """409: the object changed since it was read, or is in a state that forbids the write."""

    code, reason = 409, "Conflict"


class AlreadyExists(ApiError):
    """409: an object of that name exists."""

    code, reason = 409, "AlreadyExists"


class Gone(ApiError):
    """410: the requested revision is no longer kept; list again."""

    code, reason = 410, "Expired"


class RequestEntityTooLarge(ApiError):
    """413: the body is larger than the server accepts."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """415: the body's media type is not one this path takes."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """422: the object is well-formed but breaks rules; `causes` names each field."""

    code, reason = 422, "Invalid"


class TooManyRequests(ApiError):
    """429: try again after `retry_after_seconds`."""

    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    """500: the server is at fault."""

    code, reason = 500, "InternalError"


class ServiceUnavailable(ApiError):
    """503: a part that is needed does not answer now."""

    code, reason = 503, "ServiceUnavailable"


class Timeout(ApiError):
    """504: the request did not finish in time; it may or may not have taken effect."""

    code, reason = 504, "Timeout"


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def _details(group: str, kind: str, name: str = "") -> dict[str, Any]:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    return details


def not_found(group: str, resource: str, name: str) -> NotFound:
    """`pods "x" not found`."""
    return NotFound(f'{_qualified(resource, group)} "{name}" not found', details=_details(group, resource, name))


def already_exists(group: str, resource: str, name: str) -> AlreadyExists:
    """`pods "x" already exists`."""
    text = f'{_qualified(resource, group)} "{name}" already exists'
    return AlreadyExists(text, details=_details(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str) -> Conflict:
    """`Operation cannot be fulfilled on pods "x": WHY`."""
    text = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}'
    return Conflict(text, details=_details(group, resource, name))


def modified(group: str, resource: str, name: str) -> Conflict:
    """The conflict of a write whose resourceVersion is no longer current."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(group, resource, name, why)


def forbidden(group: str, resource: str, name: str, why: str) -> Forbidden:
    """`pods "x" is forbidden: WHY`."""
    subject = f'{_qualified(resource, group)} "{name}"' if name else _qualified(resource, group)
    return Forbidden(f"{subject} is forbidden: {why}", details=_details(group, resource, name))


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """The 422 of failed validation: every field error as a cause; name is the object's, may be ""."""
    details = _details(group, kind, name)
    if errors:
        details["causes"] = [error.cause() for error in errors]
    texts = [str(error) for error in errors]
    unique = list(dict.fromkeys(texts))
    listed = unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
    qualified = f"{kind}.{group}" if group else kind
    return Invalid(f'{qualified} "{name}" is invalid: {listed}', details=details)


_BY_REASON: dict[str, type[ApiError]] = {
    cls.reason: cls
    for cls in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, AlreadyExists, Gone,
        RequestEntityTooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServiceUnavailable,
        Timeout,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[ApiError]] = {
    cls.code: cls for cls in reversed(_BY_REASON.values()) if cls is not AlreadyExists
}


def from_status(body: Object, code: int) -> ApiError:
    """The error that a server's Status body (or, without one, its HTTP code) stands for."""
    cls = _BY_REASON.get(body.get("reason") or "") or _BY_CODE.get(code, ApiError)
    details = body.get("details")
    retry = (details or {}).get("retryAfterSeconds") or 0
    error = cls(body.get("message") or f"HTTP {code}", details=details, retry_after_seconds=retry)
    error.http_code = body.get("code") or code
    error.http_reason = body.get("reason") or cls.reason
    return error
