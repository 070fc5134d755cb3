"""A gRPC client for asyncio: unary calls and bidirectional streams over HTTP/2, as etcd and gRPC probes need them.

`channel.py` is what callers use. `session.py` is one HTTP/2 connection without I/O, on `frames.py` and `fields.py`;
`wire.py` carries its bytes; `calls.py` has what gRPC says about messages and their end. The rules are those of RFC 9113
(HTTP/2) and of gRPC's "gRPC over HTTP2"; header compression (RFC 7541) is the `hpack` package's."""

from component.grpc.channel import Channel, Stream
from component.grpc.errors import Code, GrpcError

__all__ = ["Channel", "Code", "GrpcError", "Stream"]
