"""Services, pods and nodes as the tests of the endpoints controllers need them."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object


def service(**spec: Any) -> Object:
    """A Service "web" that selects app=web on port 80 -> 8080, changed by `spec`."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "uid": "svc", "labels": {"team": "a"}},
        "spec": {
            "selector": {"app": "web"},
            "clusterIP": "10.96.0.10",
            "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
            **spec,
        },
    }


def pod(
    number: int, *, ready: bool = True, deleting: bool = False, port_name: str = "http", port: int = 8080
) -> Object:
    """The pod "web-NUMBER" with address 10.244.0.NUMBER on node n1."""
    meta: Object = {"name": f"web-{number}", "namespace": "default", "uid": f"u{number:03}", "labels": {"app": "web"}}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": meta,
        "spec": {"nodeName": "n1", "containers": [{"ports": [{"name": port_name, "containerPort": port}]}]},
        "status": {
            "phase": "Running",
            "podIP": f"10.244.0.{number}",
            "podIPs": [{"ip": f"10.244.0.{number}"}],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True" if ready else "False",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
        },
    }


NODES: dict[str, Object] = {
    "n1": {"metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "z1"}}, "spec": {}},
}
