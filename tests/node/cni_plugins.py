"""A CNI configuration of real plugins, and what they leave on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubelet.network.node_network import NodeNetwork
from kubelet.network.pod_network import PodNetwork

BIN_DIRS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")


class Plugins:
    """A node whose pods are on the network of a configuration in `conf_dir`."""

    def __init__(self, directory: Path, conf_dir: Path) -> None:
        self.directory, self.conf_dir = directory, conf_dir
        self.conf_dir.mkdir()

    def network(self, version: str = "1.0.0", subnet: str = "10.22.0.0/24", **more: Any) -> dict[str, Any]:
        """bridge, host-local, portmap and bandwidth; `more` are fields of the bridge."""
        ipam = {"type": "host-local", "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(self.directory / "ipam")}  # fmt: skip
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
                  "ipam": ipam, **more}  # fmt: skip
        return {
            "cniVersion": version,
            "name": "pods",
            "plugins": [
                bridge,
                {"type": "portmap", "capabilities": {"portMappings": True}},
                {"type": "bandwidth", "capabilities": {"bandwidth": True}},
            ],
        }

    def write(self, document: dict[str, Any], name: str = "10-pods.conflist") -> None:
        """Put the configuration there."""
        (self.conf_dir / name).write_text(json.dumps(document))

    async def started(self, bin_dirs: tuple[str, ...] = BIN_DIRS) -> NodeNetwork:
        """This node's networks, as a kubelet starts them."""
        own = PodNetwork(state_dir=self.directory / "network")
        made = NodeNetwork(own, conf_dir=self.conf_dir, bin_dirs=bin_dirs, state_dir=self.directory / "cni")
        await made.start()
        await made.configure("10.244.3.0/24", None)
        return made

    def leases(self) -> set[str]:
        """The addresses that host-local has given."""
        return {path.name for path in (self.directory / "ipam").glob("pods/[0-9]*")}

    def remembered(self) -> set[str]:
        """The sandboxes for which the kubelet remembers a run."""
        return {path.stem for path in (self.directory / "cni").iterdir()}
