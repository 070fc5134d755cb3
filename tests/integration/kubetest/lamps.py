"""The custom resource that the clients' tests use: lamps.example.com, with status, scale, a default and a rule."""

from __future__ import annotations

import time
from typing import Any

from kubernetes import client

GROUP, VERSION, PLURAL = "example.com", "v1", "lamps"
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "lamp", "kind": "Lamp", "shortNames": ["lp"]},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.bulbs", "statusReplicasPath": ".status.bulbs"},
                },
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["color"],
                                "properties": {
                                    "color": {"type": "string"},
                                    "bulbs": {"type": "integer", "minimum": 0, "default": 1},
                                },
                                "x-kubernetes-validations": [
                                    {"rule": "self.color != 'none' || self.bulbs == 0", "message": "no color, no bulbs"}
                                ],
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


def lamp(name: str, **spec: Any) -> dict[str, Any]:
    """A Lamp in the namespace `default`; red unless told otherwise."""
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Lamp", "metadata": metadata, "spec": {"color": "red", **spec}}


def define(api_client: client.ApiClient) -> None:
    """Make the definition, and wait until lamps can be made."""
    definitions = client.ApiextensionsV1Api(api_client)
    definitions.create_custom_resource_definition(DEFINITION)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = definitions.read_custom_resource_definition(DEFINITION["metadata"]["name"])
        if any(each.type == "Established" and each.status == "True" for each in found.status.conditions or ()):
            return
        time.sleep(0.05)
    raise TimeoutError("the definition is not established")
