"""kubectl apply: what it made, changes and prunes; server-side apply and who owns which field."""

from __future__ import annotations

import pytest

from tests.kubectl import Kubectl

pytestmark = pytest.mark.timeout(240)  # each runs a dozen processes

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {set: one}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: nginx
        image: nginx:1.25
        env:
        - {name: A, value: "1"}
        - {name: B, value: "2"}
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {set: one}}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80}
  - {name: dns, port: 53, protocol: UDP}
"""


def test_apply_again_changes_only_what_differs(kubectl: Kubectl) -> None:
    both = DEPLOYMENT + SERVICE
    assert kubectl("apply", "-f", "-", input=both) == "deployment.apps/web created\nservice/web created\n"
    assert kubectl("apply", "-f", "-", input=both) == "deployment.apps/web unchanged\nservice/web unchanged\n"
    changed = both.replace('        - {name: A, value: "1"}\n', "").replace("  - {name: http, port: 80}\n", "")
    assert kubectl("apply", "-f", "-", input=changed) == "deployment.apps/web configured\nservice/web configured\n"
    (container,) = kubectl.json("get", "deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "B", "value": "2"}]
    (port,) = kubectl.json("get", "service", "web")["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("dns", 53)


def test_apply_keeps_what_others_set(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=DEPLOYMENT.replace("  replicas: 0\n", ""))
    kubectl("scale", "deployment", "web", "--replicas=0")
    kubectl("apply", "-f", "-", input=DEPLOYMENT.replace("  replicas: 0\n", "").replace("1.25", "1.26"))
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "0"


def test_last_applied(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", input=SERVICE)
    assert kubectl("apply", "view-last-applied", "service/web").strip() == ""
    kubectl("apply", "set-last-applied", "-f", "-", "--create-annotation", input=SERVICE)
    assert "targetPort" not in kubectl("apply", "view-last-applied", "service/web")


def test_dry_run_changes_nothing(kubectl: Kubectl) -> None:
    made = kubectl("apply", "--dry-run=server", "-f", "-", input=DEPLOYMENT)
    assert made == "deployment.apps/web created (server dry run)\n"
    assert kubectl("get", "deployments", "-o", "name") == ""
    kubectl("apply", "-f", "-", input=DEPLOYMENT)
    shown = kubectl("apply", "--dry-run=server", "-f", "-", "-o", "jsonpath={.spec.template.spec.containers[0].image}",
                    input=DEPLOYMENT.replace("1.25", "1.26"))  # fmt: skip
    assert shown == "nginx:1.26"
    image = kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "nginx:1.25"


def test_a_bad_object_is_named_and_the_rest_applied(kubectl: Kubectl) -> None:
    bad = SERVICE.replace("port: 80", "port: 80000")
    said = kubectl.fails("apply", "-f", "-", input=DEPLOYMENT + bad)
    assert 'The Service "web" is invalid' in said
    assert "* spec.ports[0].port: Invalid value: 80000: must be between 1 and 65535, inclusive\n" in said
    assert kubectl("get", "deployment", "web", "-o", "name") == "deployment.apps/web\n"


def test_prune(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=DEPLOYMENT + SERVICE)
    # What v1.20 prunes unless told otherwise has versions that v1.28 no longer serves.
    only = ["--prune-whitelist=apps/v1/Deployment"] if kubectl.is_old else []
    pruned = kubectl("apply", "--prune", "-l", "set=one", *only, "-f", "-", input=SERVICE)
    assert "service/web unchanged" in pruned
    assert "deployment.apps/web pruned" in pruned
    assert kubectl("get", "deployments", "-o", "name") == ""


def test_server_side(kubectl: Kubectl) -> None:
    first = ("apply", "--server-side", "-f", "-")
    assert kubectl(*first, input=SERVICE) == "service/web serverside-applied\n"
    assert kubectl(*first, input=SERVICE) == "service/web serverside-applied\n"
    other = SERVICE.replace("app: web", "app: other")
    conflict = kubectl.fails(*first, "--field-manager=second", input=other)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.selector' in conflict
    kubectl(*first, "--field-manager=second", "--force-conflicts", input=other)
    service = kubectl.json("get", "service", "web", *([] if kubectl.is_old else ["--show-managed-fields"]))
    assert service["spec"]["selector"] == {"app": "other"}
    managers = {entry["manager"]: entry for entry in service["metadata"]["managedFields"]}
    assert managers["second"]["operation"] == "Apply"
    assert "f:selector" in managers["second"]["fieldsV1"]["f:spec"]
    assert "f:selector" not in managers["kubectl"]["fieldsV1"]["f:spec"]


def test_server_side_takes_away_what_is_no_longer_applied(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", "-", input=SERVICE)
    kubectl("apply", "--server-side", "-f", "-", input=SERVICE.replace("  - {name: http, port: 80}\n", ""))
    assert [port["name"] for port in kubectl.json("get", "service", "web")["spec"]["ports"]] == ["dns"]


def test_from_client_side_to_server_side(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=SERVICE)
    changed = SERVICE.replace("app: web", "app: other")
    assert kubectl("apply", "--server-side", "-f", "-", input=changed).endswith("-applied\n")
    service = kubectl.json("get", "service", "web", *([] if kubectl.is_old else ["--show-managed-fields"]))
    assert service["spec"]["selector"] == {"app": "other"}  # no conflict: what was applied before was kubectl's own
    owners = {entry["manager"]: entry["operation"] for entry in service["metadata"]["managedFields"]}
    assert owners["kubectl"] == "Apply"
    assert ("kubectl-client-side-apply" in owners) == kubectl.is_old  # later versions take it over


@pytest.mark.parametrize("how", [(), ("--server-side",)])
def test_an_unknown_field_is_refused(kubectl: Kubectl, how: tuple[str, ...]) -> None:
    said = kubectl.fails("apply", *how, "-f", "-", input=SERVICE + "  sessionAfinity: None\n")
    assert "sessionAfinity" in said
    assert kubectl("get", "services", "-o", "name") == ""
