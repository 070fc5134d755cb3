"""The metrics of the gRPC client (grpc_client_*), which every call of etcd goes through."""

from __future__ import annotations

from component.counter import LightCounter, Tally
from component.grpc import Code

_CALL = ("grpc_type", "grpc_service", "grpc_method")
_STARTED = LightCounter("grpc_client_started_total", "Calls begun.", _CALL)
_HANDLED = LightCounter("grpc_client_handled_total", "Calls that have ended.", (*_CALL, "grpc_code"))
_SENT = LightCounter("grpc_client_msg_sent_total", "Messages sent.", _CALL)
_RECEIVED = LightCounter("grpc_client_msg_received_total", "Messages received.", _CALL)


class Calls:
    """Those of one method ("/etcdserverpb.KV/Range")."""

    __slots__ = ("_labels", "_ok", "received", "sent", "started")

    def __init__(self, method: str, kind: str) -> None:
        """`kind`: "unary" or "bidi_stream"."""
        _, service, name = method.split("/")
        self._labels = (kind, service, name)
        self.started = _STARTED.labels(*self._labels)
        self.sent = _SENT.labels(*self._labels)
        self.received = _RECEIVED.labels(*self._labels)
        self._ok: Tally = _HANDLED.labels(*self._labels, "OK")

    def asked(self) -> None:
        """A call begins, with a message."""
        self.started.inc()
        self.sent.inc()

    def answered(self) -> None:
        """It has got its answer."""
        self.received.inc()
        self._ok.inc()

    def failed(self, code: Code) -> None:
        """It has ended otherwise."""
        _HANDLED.labels(*self._labels, code.name).inc()
