"""Objects made, shown, changed and deleted by kubectl: what a user types and sees."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.kubectl import Kubectl

pytestmark = pytest.mark.timeout(240)  # each runs a dozen processes

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {tier: front}
data:
  color: blue
"""
PODS = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: b, labels: {app: web}}
  spec: {containers: [{name: c, image: "nginx:1.25"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: a, labels: {app: web, extra: "1"}}
  spec: {containers: [{name: c, image: "nginx:1.25"}, {name: d, image: busybox}]}
"""


@pytest.fixture
def pods(kubectl: Kubectl) -> Kubectl:
    """Pods a and b, and the service account that they need."""
    assert kubectl("create", "-f", "-", input=PODS) == "pod/b created\npod/a created\n"
    return kubectl


def test_create_refuses_what_exists_and_what_is_unknown(kubectl: Kubectl) -> None:
    assert kubectl("create", "-f", "-", input=CONFIG) == "configmap/settings created\n"
    assert 'configmaps "settings" already exists' in kubectl.fails("create", "-f", "-", input=CONFIG)
    unknown = kubectl.fails("create", "-f", "-", input=CONFIG.replace("data:", "dat:"))
    assert 'unknown field "dat"' in unknown
    missing = kubectl.fails("get", "configmap", "absent")
    assert missing == 'Error from server (NotFound): configmaps "absent" not found\n'
    assert "the server doesn't have a resource type" in kubectl.fails("get", "wodgets")
    assert kubectl.done("get", "secrets").stderr == f"No resources found in {kubectl.namespace} namespace.\n"


def test_get_in_every_form(pods: Kubectl) -> None:
    rows = pods("get", "pods", "--sort-by=.metadata.name").splitlines()
    assert re.fullmatch(r"NAME +READY +STATUS +RESTARTS +AGE", rows[0])
    assert [re.sub(r"\d+s$", "AGE", row).split() for row in rows[1:]] == [
        ["a", "0/2", "Pending", "0", "AGE"],
        ["b", "0/1", "Pending", "0", "AGE"],
    ]
    wide = pods("get", "pods", "-o", "wide", "--no-headers").splitlines()[0].split()
    assert wide[-4:] == ["<none>", "<none>", "<none>", "<none>"]
    assert pods("get", "pods", "-o", "name") == "pod/a\npod/b\n"
    assert pods("get", "pods", "-o", "jsonpath={.items[*].metadata.name}") == "a b"
    assert pods("get", "pod", "a", "-o", "go-template={{len .spec.containers}}") == "2"
    columns = pods("get", "pods", "-o", "custom-columns=N:.metadata.name,I:.spec.containers[*].image")
    assert [row.split() for row in columns.splitlines()] == [
        ["N", "I"],
        ["a", "nginx:1.25,busybox"],
        ["b", "nginx:1.25"],
    ]
    assert pods.json("get", "pod", "b")["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert "restartPolicy: Always" in pods("get", "pod", "b", "-o", "yaml")
    assert "NAMESPACE" in pods("get", "pods", "--all-namespaces")
    assert pods("get", "pods", "--show-labels", "--no-headers").splitlines()[0].endswith("app=web,extra=1")
    assert pods("get", "pods", "-L", "extra").splitlines()[0].endswith("EXTRA")
    both = pods("get", "pods/a", "serviceaccounts/default", "-o", "name")
    assert both == "pod/a\nserviceaccount/default\n"


def test_selectors(pods: Kubectl) -> None:
    assert pods("get", "pods", "-l", "app=web,extra", "-o", "name") == "pod/a\n"
    assert pods("get", "pods", "-l", "extra notin (1)", "-o", "name") == "pod/b\n"
    assert pods("get", "pods", "--field-selector", "metadata.name!=a,status.phase=Pending", "-o", "name") == "pod/b\n"
    assert "field label not supported: spec.bogus" in pods.fails("get", "pods", "--field-selector", "spec.bogus=1")
    assert "unable to parse requirement" in pods.fails("get", "pods", "-l", "a in b")


def test_describe(pods: Kubectl) -> None:
    shown = pods("describe", "pod", "a")
    assert re.search(r"^Status: +Pending$", shown, re.M)
    assert re.search(r"^QoS Class: +BestEffort$", shown, re.M)
    assert "node.kubernetes.io/not-ready:NoExecute op=Exists for 300s" in shown
    assert re.search(r"^Status: +Active$", pods("describe", "namespace", pods.namespace), re.M)


def test_labels_and_annotations(pods: Kubectl) -> None:
    assert pods("label", "pod", "a", "color=red") == "pod/a labeled\n"
    refused = pods.fails("label", "pod", "a", "color=blue")
    assert "already has a value (red), and --overwrite is false" in refused
    assert pods("label", "pod", "a", "color=blue", "--overwrite") == "pod/a labeled\n"
    assert pods("label", "pods", "--all", "color-").splitlines()[0].startswith("pod/a")
    assert "color" not in pods.json("get", "pod", "a")["metadata"]["labels"]
    assert pods("annotate", "pods", "-l", "app=web", "note=x") == "pod/a annotated\npod/b annotated\n"
    assert pods.json("get", "pod", "b")["metadata"]["annotations"]["note"] == "x"
    assert "a valid label must be an empty string or consist of" in pods.fails("label", "pod", "a", "bad=a b")


def test_every_type_of_patch(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", input=CONFIG)
    kubectl("patch", "configmap", "settings", "-p", '{"data":{"size":"1"}}')
    kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"color":null}}')
    added = '[{"op":"add","path":"/data/more","value":"2"}]'
    assert kubectl("patch", "configmap", "settings", "--type=json", "-p", added) == "configmap/settings patched\n"
    assert kubectl.json("get", "configmap", "settings")["data"] == {"size": "1", "more": "2"}
    unchanged = kubectl("patch", "configmap", "settings", "-p", '{"data":{"size":"1"}}')
    assert unchanged == "configmap/settings patched (no change)\n"
    bad = kubectl.fails("patch", "configmap", "settings", "--type=json", "-p", '[{"op":"remove","path":"/data/x"}]')
    assert bad.startswith("The request is invalid")
    wrong = kubectl.fails("patch", "configmap", "settings", "-p", '{"data":{"size":1}}')
    assert "cannot convert int64 to string" in wrong


def test_a_strategic_patch_merges_containers_by_name(pods: Kubectl) -> None:
    patch = '{"spec":{"containers":[{"name":"d","image":"busybox:2"}]}}'
    assert pods("patch", "pod", "a", "-p", patch) == "pod/a patched\n"
    images = pods("get", "pod", "a", "-o", "jsonpath={.spec.containers[*].image}")
    assert images == "nginx:1.25 busybox:2"
    refused = pods.fails("patch", "pod", "a", "-p", '{"spec":{"hostNetwork":true}}')
    assert "pod updates may not change fields other than" in refused


def edited(kubectl: Kubectl, folder: Path, script: str, *arguments: str) -> tuple[int, str]:
    """Exit code and words of `kubectl edit` with an editor that is a sed script."""
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i '{script}' \"$1\"\n")
    editor.chmod(0o755)
    done = kubectl.done("edit", *arguments, environment={**os.environ, "KUBE_EDITOR": str(editor)})
    return done.returncode, done.stdout + done.stderr


def test_edit(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "-f", "-", input=CONFIG)
    code, said = edited(kubectl, tmp_path, "s/blue/green/", "configmap", "settings")
    assert (code, said) == (0, "configmap/settings edited\n")
    assert kubectl.json("get", "configmap", "settings")["data"] == {"color": "green"}
    code, said = edited(kubectl, tmp_path, "s/absent/x/", "configmap", "settings")
    assert (code, said) == (0, "Edit cancelled, no changes made.\n")
    code, said = edited(kubectl, tmp_path, 's/tier: front/tier: "-"/', "configmap", "settings")
    assert code != 0
    assert kubectl.json("get", "configmap", "settings")["metadata"]["labels"] == {"tier": "front"}


def test_diff(kubectl: Kubectl) -> None:
    new = kubectl.done("diff", "-f", "-", input=CONFIG)
    assert new.returncode == 1
    assert "+  color: blue" in new.stdout
    kubectl("apply", "-f", "-", input=CONFIG)
    same = kubectl.done("diff", "-f", "-", input=CONFIG)
    assert (same.returncode, same.stdout) == (0, "")
    changed = kubectl.done("diff", "-f", "-", input=CONFIG.replace("blue", "red"))
    assert changed.returncode == 1
    assert "-  color: blue\n+  color: red" in changed.stdout
    served = kubectl.done("diff", "--server-side", "--field-manager=m", "-f", "-", input=CONFIG + "  size: s\n")
    assert "+  size: s" in served.stdout
    assert kubectl.json("get", "configmap", "settings")["data"] == {"color": "blue"}


def test_replace(pods: Kubectl) -> None:
    pods("create", "-f", "-", input=CONFIG)
    assert pods("replace", "-f", "-", input=CONFIG.replace("blue", "red")) == "configmap/settings replaced\n"
    absent = pods.fails("replace", "-f", "-", input=CONFIG.replace("settings", "absent"))
    assert 'configmaps "absent" not found' in absent
    old = pods.json("get", "configmap", "settings")
    pods("label", "configmap", "settings", "x=y")
    conflict = pods.fails("replace", "-f", "-", input=json.dumps(old))
    assert "the object has been modified; please apply your changes to the latest version and try again" in conflict
    uid = pods.json("get", "pod", "a")["metadata"]["uid"]
    new = {"containers": [{"name": "new", "image": "i"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": new}
    done = pods("replace", "--force", "-f", "-", input=json.dumps(pod))
    assert done.splitlines()[-1] == "pod/a replaced"
    assert pods.json("get", "pod", "a")["metadata"]["uid"] != uid


def test_delete(pods: Kubectl) -> None:
    assert pods("delete", "pod", "a", "--dry-run=server").startswith('pod "a" deleted')
    assert pods("get", "pod", "a", "-o", "name") == "pod/a\n"
    assert pods("delete", "pods", "-l", "extra").startswith('pod "a" deleted')
    assert pods("delete", "pod", "a", "--ignore-not-found") == ""
    assert 'pods "a" not found' in pods.fails("delete", "pod", "a")
    assert "b" in pods("delete", "pods", "--all")
    assert pods("get", "pods", "-o", "name") == ""


@pytest.mark.parametrize(("how", "stays"), [("orphan", True), ("background", False), ("foreground", False)])
def test_delete_and_its_dependents(kubectl: Kubectl, how: str, stays: bool) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    sets = kubectl("get", "rs", "-o", "name")
    assert sets.startswith("replicaset.apps/web-")
    kubectl("delete", "deployment", "web", f"--cascade={how}")
    if stays:
        assert kubectl("get", "rs", "-o", "name") == sets
        assert "ownerReferences" not in kubectl.json("get", sets.strip())["metadata"]
    else:
        gone = kubectl.done("wait", "--for=delete", sets.strip(), "--timeout=20s")
        assert gone.returncode == 0 or "no matching resources found" in gone.stderr  # v1.20, where it is gone already
        assert kubectl("get", "rs", "-o", "name") == ""


def test_wait(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", input=CONFIG)
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0")
    said = kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    assert said == "deployment.apps/web condition met\n"
    late = kubectl.fails("wait", "--for=condition=Nonsense", "deployment/web", "--timeout=1s")
    assert "timed out waiting for the condition" in late
    if not kubectl.is_old:  # --for=jsonpath came with v1.23
        assert "condition met" in kubectl("wait", "--for=jsonpath={.data.color}=blue", "configmap/settings")


def test_watch_tells_what_happens(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", input=CONFIG)
    seen = kubectl("get", "configmaps", "-w", "--request-timeout=1s", "--no-headers", "--output-watch-events")
    assert re.search(r"^ADDED +settings +1 ", seen, re.M)


def test_events(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx")
    kubectl("wait", "--for=condition=Progressing", "deployment/web", "--timeout=20s")
    rows = kubectl("get", "events", "--field-selector=involvedObject.kind=Deployment", "--no-headers").splitlines()
    assert re.search(r"Normal +ScalingReplicaSet +deployment/web +Scaled up replica set web-\w+ to 1", rows[0])
    if not kubectl.is_old:
        assert re.search(r"Normal +ScalingReplicaSet +Deployment/web", kubectl("events", "--for=deployment/web"))
