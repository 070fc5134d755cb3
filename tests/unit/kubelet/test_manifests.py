"""Manifests of static pods, as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubelet.manifests import BadManifest, ManifestFolder, read_pod

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers:
  - {name: c, image: nginx, ports: [{containerPort: 80}]}
"""


def test_a_manifest_is_defaulted() -> None:
    pod = read_pod(POD.encode(), "/m/web.yaml", "n1")
    assert pod["spec"]["restartPolicy"] == "Always"
    assert pod["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    as_json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j"}, "spec": {"containers": []}}
    as_json["spec"] = {"containers": [{"name": "c", "image": "i"}]}
    assert read_pod(json.dumps(as_json).encode(), "/m/j", "n1")["metadata"]["name"] == "j-n1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a v1 Pod"),
        ("{", "parse"),
        ("kind: Service\napiVersion: v1\n", "not a v1 Pod"),
        (POD.replace("name: web", "name: Web_1"), "metadata.name"),
        (POD.replace("image: nginx", "image: [x]"), "image"),
        (POD.replace("{name: c, image: nginx,", "{name: c,"), "image"),
    ],
)
def test_what_is_no_pod_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadManifest, match=why):
        read_pod(text.encode(), "/m/x", "n1")


def test_a_folder_is_followed(tmp_path: Path) -> None:
    folder = ManifestFolder(tmp_path / "manifests", "n1")
    assert folder.pods() == {}
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/web.yaml").write_text(POD)
    (tmp_path / "manifests/.web.yaml.swp").write_text("junk")
    (tmp_path / "manifests/folder").mkdir()
    first = folder.pods()
    assert list(first) == ["default/web-n1"]
    assert folder.pods()["default/web-n1"] is first["default/web-n1"]  # not read again
    (tmp_path / "manifests/web.yaml").write_text(POD.replace("nginx", "httpd"))
    changed = folder.pods()["default/web-n1"]
    assert changed["metadata"]["uid"] != first["default/web-n1"]["metadata"]["uid"]
    (tmp_path / "manifests/web.yaml").unlink()
    assert folder.pods() == {}


def test_a_file_that_is_broken_for_a_while_keeps_its_pod(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(POD)
    folder = ManifestFolder(file, "n1")
    before = folder.pods()
    file.write_text(POD[:60])
    assert folder.pods() == before
    file.write_text("kind: [")
    assert folder.pods() == before


def test_of_two_pods_of_one_name_the_first_file_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "b.yaml").write_text(POD.replace("nginx", "httpd"))
    (pod,) = ManifestFolder(tmp_path, "n1").pods().values()
    assert pod["spec"]["containers"][0]["image"] == "nginx"
