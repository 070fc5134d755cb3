"""What kubectl finds out about the server: resources, versions, explanations, and the ways to reach it."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request

import pytest

from tests.kubectl import Kubectl

pytestmark = pytest.mark.timeout(240)  # each runs a dozen processes


def test_api_resources_and_versions(kubectl: Kubectl) -> None:
    versions = kubectl("api-versions").splitlines()
    assert {"v1", "apps/v1", "autoscaling/v2", "batch/v1", "rbac.authorization.k8s.io/v1"} <= set(versions)
    rows = [line.split() for line in kubectl("api-resources").splitlines()]
    assert rows[0][0] == "NAME"
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in rows
    assert ["nodes", "no", "v1", "false", "Node"] in rows
    assert "pods" in kubectl("api-resources", "--verbs=list,get", "-o", "name").splitlines()
    assert "tokenreviews" not in kubectl("api-resources", "--verbs=list")
    grouped = kubectl("api-resources", "--api-group=storage.k8s.io", "-o", "name").splitlines()
    assert "storageclasses.storage.k8s.io" in grouped
    assert all(name.endswith(".storage.k8s.io") for name in grouped)


def test_get_all_takes_the_category(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0")
    kubectl("create", "configmap", "c")
    shown = kubectl("get", "all", "-o", "name")
    assert "deployment.apps/web" in shown
    assert "configmap" not in shown


def test_version_and_cluster_info(kubectl: Kubectl) -> None:
    server = kubectl.json("version")["serverVersion"]
    assert (server["major"], server["minor"]) == ("1", "28")
    assert re.search(r"control plane.* is running at .*https://127\.0\.0\.1:\d+", kubectl("cluster-info"))
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert "Metrics API not available" in kubectl.fails("top", "pods")


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("pod", {"apiVersion", "kind", "metadata", "spec", "status"}),
        ("deployment.spec", {"replicas", "selector", "strategy", "template"}),
        ("pods.spec.containers", {"name", "image", "livenessProbe", "resources"}),
        ("ingress.spec.rules.http.paths", {"backend", "path", "pathType"}),
        ("cronjob.spec", {"schedule", "timeZone", "jobTemplate"}),
    ],
)
def test_explain(kubectl: Kubectl, what: str, fields: set[str]) -> None:
    shown = kubectl("explain", what)
    assert fields <= set(re.findall(r"^ {2,3}(\w+)\t<", shown, re.M))
    assert "DESCRIPTION:" in shown
    assert "<empty>" not in shown
    assert "<no description>" not in shown
    if not kubectl.is_old:  # the same from the OpenAPI v2 document, in its protobuf form
        shown = kubectl("explain", what, "--output=plaintext-openapiv2")
        assert fields <= set(re.findall(r"^ {2,3}(\w+)\t<", shown, re.M))


def test_explain_everything_below(kubectl: Kubectl) -> None:
    shown = kubectl("explain", "statefulset", "--recursive")
    assert re.search(r"^ +volumeClaimTemplates\t<\[\]", shown, re.M)
    assert re.search(r"^ +terminationGracePeriodSeconds\t<integer>", shown, re.M)
    missing = kubectl.fails("explain", "pod.spec.nothing")
    assert 'field "nothing" does not exist' in missing
    old = kubectl("explain", "horizontalpodautoscaler.spec", "--api-version=autoscaling/v1")
    assert "targetCPUUtilizationPercentage" in old


def test_proxy(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "seen", "--from-literal=a=1")
    process = subprocess.Popen(kubectl.command("proxy", "--port=0"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        path = f"http://{address}/api/v1/namespaces/{kubectl.namespace}/configmaps/seen"
        with urllib.request.urlopen(path, timeout=10) as answer:
            assert json.loads(answer.read())["data"] == {"a": "1"}
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_custom_resources(kubectl: Kubectl) -> None:
    group = f"{kubectl.namespace}.example.com"
    definition = f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: lamps.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: lamps, singular: lamp, kind: Lamp, shortNames: [lp], categories: [lights]}}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {{status: {{}}, scale: {{specReplicasPath: .spec.bulbs, statusReplicasPath: .status.bulbs}}}}
    additionalPrinterColumns:
    - {{name: Color, type: string, jsonPath: .spec.color}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What the lamp is like.
            required: [color]
            properties:
              color: {{type: string, enum: [red, blue], description: Of the light.}}
              bulbs: {{type: integer, default: 1}}
          status: {{type: object, properties: {{bulbs: {{type: integer}}}}}}
"""
    lamp = f"apiVersion: {group}/v1\nkind: Lamp\nmetadata: {{name: desk}}\nspec: {{color: red}}\n"
    kubectl("create", "-f", "-", input=definition)
    while not kubectl("get", f"crd/lamps.{group}", "-o", "jsonpath={.status.conditions}"):
        time.sleep(0.1)  # `kubectl wait` cannot bear that there are no conditions yet
    kubectl("wait", "--for=condition=Established", f"crd/lamps.{group}", "--timeout=20s")
    try:
        assert kubectl("apply", "-f", "-", input=lamp) == f"lamp.{group}/desk created\n"
        rows = [line.split() for line in kubectl("get", "lamps").splitlines()]
        assert rows[0] == ["NAME", "COLOR"]
        assert rows[1] == ["desk", "red"]
        assert kubectl("get", "lights", "-o", "name") == f"lamp.{group}/desk\n"
        assert kubectl("scale", "lamp/desk", "--replicas=3").endswith("scaled\n")
        assert kubectl("get", "lp", "desk", "-o", "jsonpath={.spec.bulbs}") == "3"
        assert kubectl("apply", "-f", "-", input=lamp.replace("red", "blue")) == f"lamp.{group}/desk configured\n"
        said = kubectl.fails("apply", "-f", "-", input=lamp.replace("red", "green"))
        assert 'Unsupported value: "green": supported values: "red", "blue"' in said
        explained = kubectl("explain", "lamp.spec", f"--api-version={group}/v1")
        assert "What the lamp is like." in explained
        assert "Of the light." in explained
        assert f"lamps.{group}" in kubectl("api-resources", f"--api-group={group}", "-o", "name")
    finally:
        kubectl("delete", "crd", f"lamps.{group}", "--timeout=30s")
    assert f"lamps.{group}" not in kubectl("api-resources", "--cached=false", "-o", "name")
