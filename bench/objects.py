"""What one object costs in the API server's pure parts: decode, patch, field management. Prints microseconds each.

    python -m bench.objects [--containers N]

No server and no network: `bench/api.py` measures the whole."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from apimachinery import fieldmanager, labels, schema
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import strategic


def pod(containers: int) -> Object:
    """A pod as clients send it; about 2 kB with three containers."""
    container = {
        "image": "registry.example.com/team/application:1.2.3",
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": "MODE", "value": "production"}, {"name": "LEVEL", "value": "info"}],
        "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": True}],
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bench", "namespace": "default", "labels": {"app": "bench", "tier": "web"}},
        "spec": {
            "containers": [{"name": f"c{number}", **deep_copy(container)} for number in range(containers)],
            "volumes": [{"name": "config", "configMap": {"name": "config"}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
            "restartPolicy": "Always",
            "nodeSelector": {"kubernetes.io/os": "linux"},
        },
    }


def microseconds(work: Callable[[], object], times: int = 2000) -> float:
    """The best of five rounds, for one call."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times // 5):
            work()
        best = min(best, time.perf_counter() - start)
    return best / (times // 5) * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=3)
    raw = orjson.dumps(pod(parser.parse_args().containers))
    types = schema.load().for_kind("", "v1", "Pod")
    assert types is not None
    now = datetime.now(UTC)
    live = orjson.loads(raw)
    types.decode(live)
    tracked = fieldmanager.update(None, live, manager="bench", subresource="", schema=types, now=now)
    ready = {**tracked, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    patch = {"spec": {"containers": [{"name": "c0", "image": "other"}]}}
    selector = labels.parse("app=bench,tier in (web,db)")

    def decode() -> None:
        types.decode(orjson.loads(raw))

    def update(before: Object | None, after: Object, subresource: str) -> Object:
        return fieldmanager.update(before, after, manager="m", subresource=subresource, schema=types, now=now)

    def apply() -> Object:
        return fieldmanager.apply(tracked, live, manager="bench", force=True, subresource="", schema=types, now=now)

    rows: tuple[tuple[str, Callable[[], object]], ...] = (
        ("parse JSON", lambda: orjson.loads(raw)),
        ("parse JSON and decode by type", decode),
        ("managedFields on create, as before", lambda: update(None, live, "")),
        ("managedFields on a status write", lambda: update(tracked, ready, "status")),
        ("server-side apply", apply),
        ("strategic merge patch", lambda: strategic.apply(live, patch, types)),
        ("match a label selector", lambda: selector.matches(live["metadata"]["labels"])),
    )
    print(f"a pod of {len(raw)} bytes")
    for name, work in rows:
        print(f"{name:34}{microseconds(work):8.1f} us")


if __name__ == "__main__":
    main()
