"""The directory of CNI configurations: which network is in force now. Looked at every 5 s, as nothing tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from kubelet.network.cni.config import NetworkList, choose
from kubelet.network.cni.invoke import find_plugin
from kubelet.network.errors import NetworkError

logger = logging.getLogger(__name__)

_SUFFIXES = (".conf", ".conflist", ".json")
_LOOK_SECONDS = 5.0


class ConfigDirectory:
    """`network` is the one to use; `trouble` says why there is none although files lie there."""

    def __init__(self, directory: Path, path: Sequence[str]) -> None:
        """`path`: where the plugins are."""
        self._directory = directory
        self._path = tuple(path)
        self._wrong: list[str] = []
        self.network: NetworkList | None = None
        self.trouble: str | None = None

    async def look(self) -> bool:
        """Read the directory; whether the answer is another than before."""
        before = (self.network, self.trouble)
        await asyncio.to_thread(self._look)
        return before != (self.network, self.trouble)

    async def run(self, changed: Callable[[], None]) -> None:
        """Look again and again until cancelled; `changed` is called when the answer is another."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if await self.look():
                changed()

    def _look(self) -> None:
        try:
            files = self._read()
        except OSError as error:
            self.network, self.trouble = None, f"{self._directory} cannot be read: {error.strerror}"
            return
        network, wrong = choose(files, self._complaint)
        if wrong != self._wrong:
            for text in wrong:
                logger.warning("A CNI configuration cannot be used", extra={"error": text})
        self._wrong = wrong
        if network != self.network:
            logger.info("CNI configuration changed", extra={"network": network.name if network else ""})
        self.network = network
        self.trouble = None
        if files and network is None:
            self.trouble = f"no valid networks found in {self._directory}: {'; '.join(wrong)}"

    def _read(self) -> list[tuple[str, str]]:
        if not self._directory.is_dir():
            return []
        paths = [path for path in self._directory.iterdir() if path.suffix in _SUFFIXES and path.is_file()]
        return [(path.name, path.read_text(errors="replace")) for path in paths]

    def _complaint(self, network: NetworkList) -> str | None:
        try:
            for plugin in network.plugins:
                find_plugin(str(plugin["type"]), self._path)
        except NetworkError as error:
            return str(error)
        return None
