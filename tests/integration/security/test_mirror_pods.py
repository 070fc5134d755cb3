"""Mirror pods with the rights that a node has: it may show its own static pods in the API."""

from __future__ import annotations

from api.resources import NODES, PODS
from apimachinery.objects import uid_of
from kubelet.manifests import read_pod
from kubelet.plan.static_pods import mirror_pod
from tests.apiserver_process import NODE_TOKEN, ApiServerProcess

_MANIFEST = b"""
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: kube-system}
spec:
  priorityClassName: system-node-critical
  hostNetwork: true
  containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
"""


async def test_a_node_shows_its_static_pods(server: ApiServerProcess) -> None:
    async with server.client(NODE_TOKEN) as kubelet:
        node = await kubelet.create(NODES, {"metadata": {"name": "n1"}})
        made = await kubelet.create(PODS, mirror_pod(read_pod(_MANIFEST, "/m/proxy.yaml", "n1"), node))
        assert made["spec"]["priority"] == 2000001000
        assert made["status"]["phase"] == "Pending"
        patch = {"metadata": {"uid": uid_of(made)}, "status": {"phase": "Running"}}
        await kubelet.patch(PODS, "kube-system", "proxy-n1", patch, patch_type="strategic", subresource="status")
        await kubelet.delete(PODS, "kube-system", "proxy-n1", grace_period_seconds=0, uid=uid_of(made))
        assert not (await kubelet.list(PODS, "kube-system", field_selector="spec.nodeName=n1"))["items"]
