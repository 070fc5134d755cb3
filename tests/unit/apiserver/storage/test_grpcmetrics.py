"""The metrics of the gRPC client."""

from __future__ import annotations

from prometheus_client import REGISTRY

from apiserver.storage.etcd3.grpcmetrics import Calls
from component.grpc import Code


def test_calls_are_counted_by_method_and_outcome() -> None:
    labels = {"grpc_type": "unary", "grpc_service": "tests.Service", "grpc_method": "Call"}
    calls = Calls("/tests.Service/Call", "unary")
    for _ in range(3):
        calls.asked()
    calls.answered()
    calls.failed(Code.Unavailable)

    def counted(what: str, **more: str) -> float | None:
        return REGISTRY.get_sample_value(f"grpc_client_{what}_total", {**labels, **more})

    assert (counted("started"), counted("msg_sent"), counted("msg_received")) == (3, 3, 1)
    assert (counted("handled", grpc_code="OK"), counted("handled", grpc_code="Unavailable")) == (1, 1)
