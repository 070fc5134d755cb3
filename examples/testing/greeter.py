"""A kopf operator: every ConfigMap with the label `greet` gets a Secret with a greeting, which goes when it goes."""

from __future__ import annotations

import os
from typing import Any

import kopf
from kubernetes import client, config


@kopf.on.login()
def login(**arguments: Any) -> kopf.ConnectionInfo | None:
    """By $KUBECONFIG as it is now: the official client, which kopf would ask, reads it when it is imported."""
    return kopf.login_with_kubeconfig(**arguments)


@kopf.on.create("v1", "configmaps", labels={"greet": kopf.PRESENT})
def greet(name: str | None, namespace: str | None, labels: kopf.Labels, **_: Any) -> dict[str, str]:
    """Make the Secret, owned by the ConfigMap."""
    text = f"Hello {labels['greet']}"
    secret: dict[str, Any] = {"metadata": {"name": f"{name}-greeting"}, "stringData": {"text": text}}
    kopf.adopt(secret)
    with config.new_client_from_config(os.environ["KUBECONFIG"]) as api_client:
        client.CoreV1Api(api_client).create_namespaced_secret(namespace, secret)
    return {"secret": secret["metadata"]["name"]}
