"""Puts sandboxes on the network of a CNI configuration: ADD, CHECK and DEL of a chain of plugins.

The protocol is the CNI specification's, sections 2 to 4. Every method may be repeated after a crash at any point."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubelet.network.cni.arguments import capability_args, cni_args
from kubelet.network.cni.config import plugin_input
from kubelet.network.cni.directory import ConfigDirectory
from kubelet.network.cni.invoke import Call, find_plugin, run_plugin
from kubelet.network.cni.memory import Run, RunMemory
from kubelet.network.cni.result import host_links, pod_address
from kubelet.network.errors import NetworkError, NetworkNotReady
from kubelet.network.netlink import Netlink
from kubelet.network.sandbox_request import SandboxRequest

logger = logging.getLogger(__name__)


class CniNetwork:
    """Runs plugins of `bin_dirs` by the configuration in `conf_dir`."""

    def __init__(self, netlink: Netlink, *, conf_dir: Path, bin_dirs: Sequence[str], state_dir: Path) -> None:
        self._netlink = netlink
        self._path = tuple(directory for directory in bin_dirs if directory)
        self._memory = RunMemory(state_dir)
        self._locks: dict[str, asyncio.Lock] = {}
        self.directory = ConfigDirectory(conf_dir, self._path)
        self.pod_cidr = ""  #: this node's range, for plugins with the capability ipRanges

    @property
    def in_force(self) -> bool:
        """Whether a configuration lies there, good or bad: new sandboxes are this network's."""
        return self.directory.network is not None or self.directory.trouble is not None

    def not_ready(self) -> str | None:
        """Why sandboxes cannot be attached now."""
        return self.directory.trouble

    async def start(self) -> None:
        """Take over what an earlier process left, and look for a configuration. Raises OSError."""
        await asyncio.to_thread(self._memory.load)
        await self.directory.look()

    def knows(self, sandbox_id: str) -> bool:
        """Whether the sandbox was put on a network here."""
        return self._memory.get(sandbox_id) is not None

    def host_links(self) -> set[str]:
        """The links of the node that plugins made."""
        return {link for run in self._memory.all() for link in host_links(run.result or {})}

    async def attach(self, request: SandboxRequest) -> str:
        """Run ADD; the sandbox's address. Where that was done already, CHECK, whose complaint is logged only: what runs
        is not ended for it. Raises NetworkError with the plugin's message, after a DEL."""
        async with self._locks.setdefault(request.sandbox_id, asyncio.Lock()):
            known = self._memory.get(request.sandbox_id)
            if known is not None and known.result is not None:
                await self._check(known)
                return pod_address(known.result)
            if known is not None:  # the kubelet died in the middle of it
                await self._delete(known)
            run = await self._begin(request)
            try:
                await self._netlink.ensure_loopback(Path(run.namespace))
                result = await self._add(run)
                address = pod_address(result)
                if not address:
                    raise NetworkError(f'network "{run.network.name}" gave the sandbox no address')
                await asyncio.to_thread(self._memory.put, replace(run, result=result))
            except (NetworkError, OSError) as error:
                await self._undo(run)
                raise error if isinstance(error, NetworkError) else NetworkError(str(error)) from error
            return address

    async def detach(self, sandbox_id: str) -> None:
        """Run DEL; a sandbox that is on no network is fine. Raises NetworkError with the plugin's message."""
        async with self._locks.setdefault(sandbox_id, asyncio.Lock()):
            run = self._memory.get(sandbox_id)
            if run is not None:
                await self._delete(run)
        self._locks.pop(sandbox_id, None)

    async def collect(self, live_sandbox_ids: Collection[str]) -> None:
        """Run DEL for what belongs to no live sandbox. Raises NetworkError for the first that failed, at the end."""
        failed: NetworkError | None = None
        for run in self._memory.all():
            if run.sandbox_id in live_sandbox_ids:
                continue
            logger.info("Removing a dead sandbox from its network", extra={"sandbox": run.sandbox_id})
            try:
                await self.detach(run.sandbox_id)
            except NetworkError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    async def cleanup(self) -> None:
        """Run DEL for every sandbox, and forget. Raises NetworkError and OSError."""
        await asyncio.to_thread(self._memory.load)
        await self.collect(())
        await asyncio.to_thread(self._memory.delete)

    async def _begin(self, request: SandboxRequest) -> Run:
        network = self.directory.network
        if network is None:
            raise NetworkNotReady(self.directory.trouble or "cni config uninitialized")
        namespace = f"/proc/{request.pid}/ns/net"
        try:
            inode = await asyncio.to_thread(_inode_of, namespace)
            capabilities = capability_args(request, self.pod_cidr)
            run = Run(
                request.sandbox_id, request.pod_uid, network, namespace, inode, cni_args(request), capabilities
            )  # fmt: skip
            await asyncio.to_thread(self._memory.put, run)
        except OSError as error:
            raise NetworkError(f"network namespace: {error}") from error
        return run

    async def _add(self, run: Run) -> dict[str, Any]:
        result: dict[str, Any] | None = None
        for plugin in run.network.plugins:
            document = plugin_input(run.network, plugin, run.capability_args, result)
            result = await self._run("ADD", run, plugin["type"], document)
        return result or {}

    async def _check(self, run: Run) -> None:
        if not run.network.has_check or run.network.disable_check:
            return
        try:
            for plugin in run.network.plugins:
                document = plugin_input(run.network, plugin, run.capability_args, run.result)
                await self._run("CHECK", run, plugin["type"], document)
        except NetworkError as error:
            logger.warning(
                "A sandbox is not as its network made it", extra={"sandbox": run.sandbox_id, "error": str(error)}
            )

    async def _undo(self, run: Run) -> None:
        try:
            await self._delete(run)
        except NetworkError as error:  # the memory keeps the run: DEL comes again before the next ADD, or with detach
            logger.warning("A failed ADD is not undone yet", extra={"sandbox": run.sandbox_id, "error": str(error)})

    async def _delete(self, run: Run) -> None:
        previous = run.result if run.network.has_check else None
        for plugin in reversed(run.network.plugins):
            document = plugin_input(run.network, plugin, run.capability_args, previous)
            await self._run("DEL", run, plugin["type"], document)
        try:
            await asyncio.to_thread(self._memory.remove, run.sandbox_id)
        except OSError as error:
            raise NetworkError(str(error)) from error

    async def _run(self, command: str, run: Run, kind: str, document: dict[str, Any]) -> dict[str, Any] | None:
        call = Call(command, run.sandbox_id, _namespace_now(run) if command == "DEL" else run.namespace, run.arguments)
        try:
            plugin = await asyncio.to_thread(find_plugin, kind, self._path)
            return await run_plugin(plugin, call, self._path, document)
        except NetworkError as error:
            verb = {"ADD": "add", "CHECK": "check", "DEL": "delete"}[command]
            raise NetworkError(f'plugin type="{kind}" name="{run.network.name}" failed ({verb}): {error}') from error


def _inode_of(namespace: str) -> int:
    inode = Path(namespace).stat().st_ino
    if inode == Path("/proc/thread-self/ns/net").stat().st_ino:
        raise NetworkError("the sandbox has no network namespace of its own")
    return inode


def _namespace_now(run: Run) -> str:
    """The sandbox's namespace as far as it is still there: its PID may be another process's by now, whose links must
    not be touched."""
    try:
        return run.namespace if Path(run.namespace).stat().st_ino == run.namespace_inode else ""
    except OSError:
        return ""
