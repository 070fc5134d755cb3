"""When the plugin begins to import what servers need, each time in a test run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_WATCHING = """
import os, pathlib
import pytest

def children():
    return pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

@pytest.fixture
def indirect(request):
    return request.getfixturevalue("kube_api")

@pytest.fixture
def derived(kube_api):
    return kube_api

def pytest_collection_finish():
    print("CHILDREN", len(children()))
"""


@pytest.mark.parametrize(
    ("test", "servers"),
    [
        ("def test_it(kube_api): ...", 1),
        ("def test_it(derived): ...", 1),
        ("import children_of_the_import", 1),
        ("def test_it(): ...", 0),
    ],
)
def test_warm_when_a_module_or_test_needs_servers(test: str, servers: int, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_WATCHING)
    # While this module is imported, the import of servers is under way already.
    (tmp_path / "children_of_the_import.py").write_text("from conftest import children; assert children()")
    (tmp_path / "test_it.py").write_text(f"{test}  # kube_api\n" if "children" in test else test)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "kubetest.plugin", "-p", "no:cacheprovider", "-c", os.devnull,
         f"--rootdir={tmp_path}", "--collect-only", "-q", "-s", str(tmp_path)],
        cwd=_ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert f"CHILDREN {servers}\n" in ran.stdout, ran.stdout + ran.stderr
    assert "error" not in ran.stdout
