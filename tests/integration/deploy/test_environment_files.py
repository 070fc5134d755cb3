"""The EnvironmentFiles: filled in for a machine, an administrator's own kept, every flag known to the daemon."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "deploy/systemd/environment"
DAEMONS = {
    "apiserver": "kube_apiserver",
    "controller-manager": "kube_controller_manager",
    "scheduler": "kube_scheduler",
    "kubelet": "kubelet_daemon",
    "proxy": "kube_proxy",
    "dns": "kube_dns",
}
FILES = [pytest.param(folder, name, id=f"{folder}/{name}") for folder in (".", "insecure") for name in DAEMONS]


def write(config: Path, folder: str, *names: str) -> str:
    """write_environment as master.sh runs it on the machine node1 of the cluster master, node1."""
    script = f"""
        set -euo pipefail
        . {ROOT}/deploy/lib/settings.sh
        . {ROOT}/deploy/lib/hosts.sh
        . {ROOT}/deploy/lib/environment.sh
        EXAMPLES={EXAMPLES} SELF_NAME=node1 SELF_ADDRESS=192.0.2.2 NODE_FLAGS='--max-pods=7 --root-dir=/a#b&c'
        read_hosts master=192.0.2.1 node1=192.0.2.2
        write_environment {EXAMPLES / folder} {" ".join(names)}
    """
    return subprocess.run(
        ["bash", "-c", script], env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "MK_CONFIG": str(config)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def flags(path: Path) -> list[str]:
    """The words that systemd makes of the file's variables: a backslash at a line's end joins lines."""
    text = path.read_text().replace("\\\n", "")
    values = [line.split("=", 1)[1] for line in text.splitlines() if line and not line.startswith("#")]
    return [word for value in values for word in shlex.split(value)[0].split()]


@pytest.mark.parametrize(("folder", "name"), FILES)
def test_no_placeholder_is_left(tmp_path: Path, folder: str, name: str) -> None:
    write(tmp_path, folder, name)
    left = [flag for flag in flags(tmp_path / name) if any(part.isupper() and "_" in part for part in flag.split("="))]
    assert not left
    assert not [flag for flag in flags(tmp_path / name) if "MASTER" in flag]


@pytest.mark.parametrize(("folder", "name"), FILES)
def test_the_daemon_knows_every_flag(tmp_path: Path, folder: str, name: str) -> None:
    """With a flag more that does not exist, that one alone is complained about, before anything is started."""
    write(tmp_path, folder, name)
    command = [sys.executable, str(ROOT / f"cmd/{DAEMONS[name]}.py"), *flags(tmp_path / name), "--no-such-flag"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode != 0
    assert "unknown flag: --no-such-flag" in done.stderr


def test_the_kubelets_file_names_this_machine(tmp_path: Path) -> None:
    write(tmp_path, ".", "kubelet")
    assert {
        "--hostname-override=node1",
        "--node-ip=192.0.2.2",
        "--max-pods=7",
        "--root-dir=/a#b&c",
        "--cluster-dns=10.96.0.10",
    } <= set(flags(tmp_path / "kubelet"))


def test_what_was_made_here_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path, "insecure", "proxy")
    write(tmp_path, ".", "proxy")
    assert "--kubeconfig=/etc/kubernetes/kube-proxy.conf" in flags(tmp_path / "proxy")


def test_an_edited_file_is_kept(tmp_path: Path) -> None:
    own = tmp_path / "proxy"
    own.write_text('# mine\nKUBE_PROXY_ARGS="--v=9"\n')
    assert "has been edited and is kept" in write(tmp_path, ".", "proxy")
    assert own.read_text() == '# mine\nKUBE_PROXY_ARGS="--v=9"\n'
