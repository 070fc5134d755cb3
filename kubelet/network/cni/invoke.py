"""Run a CNI plugin: the environment, its input, its answer, its errors in one line, a time limit."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubelet.network.errors import NetworkError
from kubelet.network.plan import POD_INTERFACE

TIME_LIMIT_SECONDS = 220.0
_MAX_ANSWER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """What is the same for all plugins of one operation. `namespace` "": it is gone (DEL only)."""

    command: str  #: ADD, CHECK or DEL
    container_id: str
    namespace: str
    arguments: str

    def environment(self, path: Sequence[str]) -> dict[str, str]:
        """The plugin's environment: this process's own, for proxies and PATH, and the protocol's variables."""
        return {
            **os.environ,
            "CNI_COMMAND": self.command,
            "CNI_CONTAINERID": self.container_id,
            "CNI_NETNS": self.namespace,
            "CNI_IFNAME": POD_INTERFACE,
            "CNI_ARGS": self.arguments,
            "CNI_PATH": ":".join(path),
        }


def find_plugin(kind: str, path: Sequence[str]) -> Path:
    """The plugin's file; raises NetworkError in libcni's words. Blocks."""
    for directory in path:
        candidate = Path(directory) / kind
        if candidate.is_file():
            return candidate
    raise NetworkError(f'failed to find plugin "{kind}" in path [{" ".join(path)}]')


async def run_plugin(
    plugin: Path, call: Call, path: Sequence[str], document: Mapping[str, Any], seconds: float = TIME_LIMIT_SECONDS
) -> dict[str, Any] | None:
    """The plugin's answer, None where it printed nothing. Raises NetworkError with the plugin's message; a plugin that
    takes too long is killed."""
    try:
        process = await asyncio.create_subprocess_exec(
            plugin, env=call.environment(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise NetworkError(f"{plugin}: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            output, complaint = await process.communicate(json.dumps(document).encode())
    except TimeoutError as error:
        raise NetworkError(f"netplugin did not answer in {seconds:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NetworkError(failure(process.returncode, output, complaint))
    return _answer(output)


def failure(code: int, output: bytes, complaint: bytes) -> str:
    """What went wrong: the protocol's error object, or what the plugin wrote instead."""
    if not output:
        text = complaint.decode(errors="replace").strip()
        return f'netplugin failed: "{text}"' if text else f"netplugin failed with no error message: exit status {code}"
    try:
        error = json.loads(output)
        message, details = str(error["msg"]), str(error.get("details") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        text = output.decode(errors="replace").strip()
        return f'netplugin failed but error parsing its diagnostic message "{text}"'
    return f"{message}; {details}" if details else message


def _answer(output: bytes) -> dict[str, Any] | None:
    if not output.strip():
        return None
    if len(output) > _MAX_ANSWER_BYTES:
        raise NetworkError(f"netplugin answered {len(output)} bytes")
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise NetworkError(f"netplugin's answer is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise NetworkError("netplugin's answer is no JSON object")
    return answer
