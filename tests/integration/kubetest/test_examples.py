"""The examples of docs/TESTING_WITH_IT.md, run as their reader would: by pytest with the plugin."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


async def test_examples_pass() -> None:
    options = ["-p", "kubetest.plugin", "-p", "no:cacheprovider", "-c", os.devnull, "-q"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", *options),
        str(_ROOT / "examples" / "testing"),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert b"3 passed" in output
