"""How a call can end: the status codes of gRPC, and what HTTP's and HTTP/2's own codes mean in them. Pure."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """The codes by their numbers on the wire, named as gRPC's libraries for Go name them."""

    OK = 0
    Canceled = 1
    Unknown = 2
    InvalidArgument = 3
    DeadlineExceeded = 4
    NotFound = 5
    AlreadyExists = 6
    PermissionDenied = 7
    ResourceExhausted = 8
    FailedPrecondition = 9
    Aborted = 10
    OutOfRange = 11
    Unimplemented = 12
    Internal = 13
    Unavailable = 14
    DataLoss = 15
    Unauthenticated = 16


class GrpcError(Exception):
    """A call that has not succeeded."""

    def __init__(self, code: Code, message: str, *, sent: bool = True) -> None:
        """`sent`: False where the server has certainly not worked on the call, so that it may be made again."""
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.sent = sent


class ProtocolError(Exception):
    """The other side breaks the rules of HTTP/2: the connection is of no use any more. `code` is for its GOAWAY."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


#: Error codes of RFC 9113, section 7, that are sent or told apart here.
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR = 0x0, 0x1, 0x3, 0x6
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY = 0x7, 0x8, 0x9, 0xB, 0xC

_BY_RESET = {
    REFUSED_STREAM: Code.Unavailable,
    CANCEL: Code.Canceled,
    ENHANCE_YOUR_CALM: Code.ResourceExhausted,
    INADEQUATE_SECURITY: Code.PermissionDenied,
}
_BY_HTTP_STATUS = {
    "400": Code.Internal,
    "401": Code.Unauthenticated,
    "403": Code.PermissionDenied,
    "404": Code.Unimplemented,
    "429": Code.Unavailable,
    "502": Code.Unavailable,
    "503": Code.Unavailable,
    "504": Code.Unavailable,
}


def of_reset(code: int) -> GrpcError:
    """What the end of a stream by RST_STREAM means."""
    found = _BY_RESET.get(code, Code.Internal)
    return GrpcError(found, f"stream terminated by RST_STREAM with error code {code}", sent=code != REFUSED_STREAM)


def of_http_status(status: str) -> GrpcError:
    """What an answer that is none of gRPC's means, such as one of a proxy."""
    return GrpcError(_BY_HTTP_STATUS.get(status, Code.Unknown), f"unexpected HTTP status code received: {status}")


def code_of(number: str) -> Code:
    """The code of a `grpc-status` field; Unknown for what is none."""
    return Code(int(number)) if number.isdecimal() and int(number) <= max(Code) else Code.Unknown
