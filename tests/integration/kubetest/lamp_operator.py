"""A kopf operator with every kind of handler: lamps are lit, repainted, put out, and tick as long as they are there."""

from __future__ import annotations

import os
from typing import Any

import kopf
from kubernetes import client, config

from tests.integration.kubetest.lamps import GROUP, PLURAL, VERSION


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Short waits: a test looks on."""
    settings.persistence.finalizer = "example.com/lamp-operator"


@kopf.on.login()
def login(**arguments: Any) -> kopf.ConnectionInfo | None:
    """By $KUBECONFIG as it is now."""
    return kopf.login_with_kubeconfig(**arguments)


@kopf.on.create(GROUP, VERSION, PLURAL)
def light(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> dict[str, Any]:
    """Say in the status what is lit; what is returned goes there as well."""
    patch.status["lit"] = spec["color"]
    patch.status["bulbs"] = spec["bulbs"]
    return {"color": spec["color"]}


@kopf.on.field(GROUP, VERSION, PLURAL, field="spec.color")
def repaint(old: Any, new: Any, patch: kopf.Patch, **_: Any) -> None:
    """Follow the color."""
    if old is not None:
        patch.status["lit"] = new
        patch.status["was"] = old


@kopf.timer(GROUP, VERSION, PLURAL, interval=0.1)
def tick(status: kopf.Status, patch: kopf.Patch, **_: Any) -> None:
    """Count up to five."""
    if (ticks := status.get("ticks", 0)) < 5:
        patch.status["ticks"] = ticks + 1


@kopf.on.delete(GROUP, VERSION, PLURAL)
def put_out(name: str | None, namespace: str | None, status: kopf.Status, **_: Any) -> None:
    """Leave a note; the finalizer keeps the lamp until then."""
    with config.new_client_from_config(os.environ["KUBECONFIG"]) as api_client:
        note = {"metadata": {"name": f"{name}-out"}, "data": {"lit": str(status.get("lit"))}}
        client.CoreV1Api(api_client).create_namespaced_config_map(namespace, note)
