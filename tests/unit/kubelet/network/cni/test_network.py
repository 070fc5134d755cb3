"""What is freed when a plugin fails for one sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from kubelet.network.cni.config import parse_list
from kubelet.network.cni.memory import Run, RunMemory
from kubelet.network.cni.network import CniNetwork
from kubelet.network.errors import NetworkError
from kubelet.network.netlink import Netlink

_PLUGIN = """#!/bin/sh
[ "$CNI_CONTAINERID" != stuck ] || { echo '{"code": 11, "msg": "try again later"}'; exit 1; }
"""


async def test_a_sandbox_that_cannot_be_freed_keeps_no_other_from_it(tmp_path: Path) -> None:
    plugin = tmp_path / "bin" / "fake"
    plugin.parent.mkdir()
    plugin.write_text(_PLUGIN)
    plugin.chmod(0o755)
    memory = RunMemory(tmp_path / "cni")
    memory.load()
    network = parse_list({"name": "pods", "cniVersion": "1.0.0", "plugins": [{"type": "fake"}]})
    for sandbox in ("lives", "stuck", "dead"):
        memory.put(Run(sandbox, "u1", network, "/proc/0/ns/net", 1, ""))
    found = CniNetwork(
        cast(Netlink, None), conf_dir=tmp_path / "net.d", bin_dirs=[str(plugin.parent)], state_dir=tmp_path / "cni"
    )
    await found.start()
    with pytest.raises(NetworkError, match="try again later"):
        await found.collect(["lives"])
    assert {name for name in ("lives", "stuck", "dead") if found.knows(name)} == {"lives", "stuck"}
