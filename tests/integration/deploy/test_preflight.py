"""preflight.sh goes on to its end whatever is missing: names that nobody knows, programs that are not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
#: What every machine has; all that preflight.sh asks for is left out, ss and openssl among it.
ALWAYS_THERE = (
    "bash", "dirname", "id", "uname", "hostname", "getent", "awk", "sed", "grep", "cat", "head", "tr", "xargs",
    "timeout", "ip", "python3",
)  # fmt: skip


def preflight(role: str, path: str) -> subprocess.CompletedProcess[str]:
    """For this machine as `here`, and one whose name nobody can look up."""
    return subprocess.run(
        ["bash", str(ROOT / "deploy/system/preflight.sh"), role, "here=127.0.0.1", "not-there=192.0.2.9"],
        env={"PATH": path, "MK_CONFIG": "/nonexistent"}, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip


def test_a_name_that_nobody_knows_is_one_complaint_among_others() -> None:
    done = preflight("node", os.environ["PATH"])
    assert "wrong    not-there is not known, not 192.0.2.9\n" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" wrong")
    assert (done.returncode, done.stderr) == (1, "")


def test_missing_programs_are_named(tmp_path: Path) -> None:
    for name in ALWAYS_THERE:
        found = shutil.which(name)
        assert found is not None, name
        (tmp_path / name).symlink_to(found)
    done = preflight("master", str(tmp_path))
    for name in ("iptables-restore", "conntrack", "dockerd", "openssl", "etcd"):
        assert f"wrong    {name} is missing\n" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" wrong")
    assert (done.returncode, done.stderr) == (1, "")
