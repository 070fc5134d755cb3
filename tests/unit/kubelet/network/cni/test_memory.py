"""What is remembered of the plugins' runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kubelet.network.cni.config import NetworkList
from kubelet.network.cni.memory import Run, RunMemory

NETWORK = NetworkList("pods", "1.0.0", ({"type": "bridge"},))
RUN = Run("s1", "u1", NETWORK, "/proc/7/ns/net", 4711, "IgnoreUnknown=1", {"portMappings": []})


def reopened(directory: Path) -> RunMemory:
    memory = RunMemory(directory)
    memory.load()
    return memory


def test_runs_survive_and_go(tmp_path: Path) -> None:
    memory, done = reopened(tmp_path / "cni"), replace(RUN, result={"ips": [{"address": "10.1.0.5/16"}]})
    memory.put(RUN)
    assert reopened(tmp_path / "cni").get("s1") == RUN
    memory.put(done)
    assert reopened(tmp_path / "cni").all() == [done]
    memory.remove("s1")
    memory.remove("s1")
    assert reopened(tmp_path / "cni").all() == []


def test_half_written_files_are_dropped(tmp_path: Path) -> None:
    reopened(tmp_path).put(RUN)
    (tmp_path / "s2.json").write_text('{"containerId": "s2", ')
    (tmp_path / "s3.json").write_text("[]")
    (tmp_path / "s4.new").write_text((tmp_path / "s1.json").read_text())
    assert reopened(tmp_path).all() == [RUN]
    assert [path.name for path in tmp_path.iterdir()] == ["s1.json"]
