"""`python -m kubelet.network.cleanup`: remove every interface, chain and file of the pod network. For down.sh."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from kubelet.network.errors import NetworkError
from kubelet.network.pod_network import DEFAULT_STATE_DIR, PodNetwork


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 when nothing is left."""
    parser = argparse.ArgumentParser(prog="kubelet.network.cleanup", description="Remove the pod network of this node.")
    parser.add_argument("--state-dir", type=Path, default=DEFAULT_STATE_DIR, help="where addresses are remembered")
    return asyncio.run(_clean(parser.parse_args(argv).state_dir))


async def _clean(state_dir: Path) -> int:
    network = PodNetwork(state_dir=state_dir)
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
