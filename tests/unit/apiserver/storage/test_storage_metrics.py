"""What calls of etcd and encryption leave behind in metrics."""

from __future__ import annotations

from time import perf_counter

import pytest
from prometheus_client import REGISTRY

from apiserver.storage.encryption.metrics import transformed
from apiserver.storage.etcd3.metrics import Timed


def test_failed_calls_are_calls_and_errors() -> None:
    labels = {"operation": "get", "type": "metrictests"}
    with Timed("get", "/registry/metrictests/default/x"):
        pass
    with pytest.raises(OSError, match="away"), Timed("get", "/registry/metrictests/default/x"):
        raise OSError("away")
    assert REGISTRY.get_sample_value("etcd_requests_total", labels) == 2
    assert REGISTRY.get_sample_value("etcd_request_duration_seconds_count", labels) == 2
    assert REGISTRY.get_sample_value("etcd_request_errors_total", labels) == 1


def test_values_are_counted_by_direction_key_and_success() -> None:
    prefix = "k8s:enc:aescbc:v1:metrictest:"
    transformed(prefix.encode(), perf_counter(), reading=False)
    for good in (True, True, False):
        transformed(prefix.encode(), perf_counter(), reading=True, good=good)

    def counted(kind: str, status: str) -> float | None:
        labels = {"transformation_type": kind, "transformer_prefix": prefix, "status": status}
        return REGISTRY.get_sample_value("apiserver_storage_transformation_operations_total", labels)

    assert counted("to_storage", "OK") == 1
    assert (counted("from_storage", "OK"), counted("from_storage", "Unknown")) == (2, 1)
    latency = {"transformation_type": "from_storage", "transformer_prefix": prefix}
    name = "apiserver_storage_transformation_duration_seconds_count"
    assert REGISTRY.get_sample_value(name, latency) == 3
