"""Static pods, and the mirror pods that show them."""

from __future__ import annotations

from apimachinery.objects import Object
from kubelet.plan.static_pods import HASH, MIRROR, fits, is_mirror, is_static, mirror_pod, plan_mirrors, static_pod

NODE: Object = {"metadata": {"name": "n1", "uid": "node-uid"}}
WEB: Object = {
    "metadata": {"name": "web", "labels": {"a": "b"}, "annotations": {"x": "y"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def made(manifest: Object = WEB, path: str = "/m/web.yaml", node: str = "n1") -> Object:
    return static_pod(manifest, path, node, "2024-01-01T00:00:00Z")


def in_api(pod: Object, **metadata: object) -> Object:
    mirror = mirror_pod(pod, NODE)
    return mirror | {"metadata": mirror["metadata"] | {"uid": "api-uid"} | metadata}


def test_a_static_pod_is_named_after_its_node() -> None:
    pod = made()
    assert (pod["metadata"]["name"], pod["metadata"]["namespace"]) == ("web-n1", "default")
    assert pod["metadata"]["labels"] == {"a": "b"}
    assert pod["metadata"]["annotations"]["x"] == "y"
    assert pod["spec"]["nodeName"] == "n1"
    assert {"operator": "Exists", "effect": "NoExecute"} in pod["spec"]["tolerations"]
    assert is_static(pod)
    assert not is_mirror(pod)


def test_its_uid_follows_from_node_file_and_content() -> None:
    uid = made()["metadata"]["uid"]
    assert made()["metadata"]["uid"] == uid
    other = WEB | {"spec": {"containers": [{"name": "c", "image": "j"}]}}
    assert len({uid, *(pod["metadata"]["uid"] for pod in (made(other), made(path="/m/x"), made(node="n2")))}) == 4


def test_the_mirror_pod() -> None:
    mirror = mirror_pod(made(), NODE)
    assert "uid" not in mirror["metadata"]
    assert mirror["metadata"]["annotations"][MIRROR] == made()["metadata"]["annotations"][HASH]
    assert mirror["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-uid", "controller": True}
    ]
    assert is_mirror(mirror)
    assert not is_static(mirror)


def test_a_mirror_pod_fits_until_something_changes() -> None:
    pod = made()
    assert fits(in_api(pod), pod, "node-uid")
    assert not fits(in_api(made(path="/m/other")), pod, "node-uid")
    assert not fits(in_api(pod, deletionTimestamp="2024-01-01T00:00:00Z"), pod, "node-uid")
    assert not fits(in_api(pod), pod, "another node of that name")


def test_what_brings_files_and_api_together() -> None:
    pod = made()
    fresh = plan_mirrors([pod], [], "node-uid")
    assert (fresh.delete, fresh.create) == ((), (pod,))
    settled = plan_mirrors([pod], [in_api(pod), {"metadata": {"name": "other", "namespace": "default"}}], "node-uid")
    assert (settled.delete, settled.create) == ((), ())
    stale = in_api(made(path="/m/before"))
    changed = plan_mirrors([pod], [stale], "node-uid")
    assert (changed.delete, changed.create) == ((stale,), ())
    gone = plan_mirrors([], [in_api(pod)], "node-uid")
    assert (gone.delete, gone.create) == ((in_api(pod),), ())
