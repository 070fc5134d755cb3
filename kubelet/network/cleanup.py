"""`python -m kubelet.network.cleanup`: remove all links, routes, chains and files of the pod network. For down.sh."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from kubelet.network.errors import NetworkError
from kubelet.network.node_network import NodeNetwork
from kubelet.network.pod_network import PodNetwork
from kubelet.options import KubeletOptions


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 when nothing is left."""
    parser = argparse.ArgumentParser(prog="kubelet.network.cleanup", description="Remove the pod network of this node.")
    defaults = KubeletOptions()
    parser.add_argument("--root-dir", type=Path, default=Path(defaults.root_dir), help="the kubelet's --root-dir")
    parser.add_argument("--cni-cache-dir", type=Path, help="the kubelet's --cni-cache-dir")
    parser.add_argument("--cni-bin-dir", default=",".join(defaults.cni_bin_dir), help="the kubelet's --cni-bin-dir")
    return asyncio.run(_clean(parser.parse_args(argv)))


async def _clean(options: argparse.Namespace) -> int:
    defaults = KubeletOptions()
    network = NodeNetwork(
        PodNetwork(state_dir=options.root_dir / "network"),
        conf_dir=Path(defaults.cni_conf_dir),
        bin_dirs=options.cni_bin_dir.split(","),
        state_dir=options.cni_cache_dir or options.root_dir / "cni",
    )
    try:
        await network.cleanup()
    except (NetworkError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    finally:
        await network.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
