"""Run iptables, iptables-save and iptables-restore: time limits, the lock, errors in one line.

What the rules say is decided elsewhere (`proxy/rules`, `kubelet/network/firewall.py`). Works on the nf_tables and the
legacy variant: whichever the host's `iptables` is."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

logger = logging.getLogger(__name__)

_LOCK_WAIT_SECONDS = 5
_CALL_TIMEOUT_SECONDS = 60.0


class IptablesError(Exception):
    """The program is missing, failed or took too long; the text is one line."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A rule in a chain that others own too: it is looked for, and added only where it is missing."""

    table: str
    chain: str
    rule: tuple[str, ...]
    position: Literal["first", "last"]


class PacketFilter(Protocol):
    """What daemons need of iptables; `proxy.iptables.fake` has another one that needs no kernel."""

    async def restore(self, text: str) -> None:
        """Load an iptables-restore text without flushing what it does not name; all of a table or nothing."""

    async def save(self, table: str) -> str:
        """The table as iptables-save prints it."""

    async def ensure_jump(self, jump: Jump) -> None:
        """Add the rule unless it is there."""

    async def delete_jump(self, jump: Jump) -> None:
        """Remove the rule, as often as it is there."""

    async def chain_exists(self, table: str, chain: str) -> bool:
        """Whether the chain is there."""


class Iptables:
    """The host's iptables (or ip6tables), in the network namespace of this process. Raises IptablesError."""

    def __init__(self, *, ipv6: bool = False) -> None:
        self._program = "ip6tables" if ipv6 else "iptables"

    async def restore(self, text: str) -> None:
        """See `PacketFilter`."""
        await self._run(f"{self._program}-restore", "--noflush", "--wait", str(_LOCK_WAIT_SECONDS), text=text)

    async def save(self, table: str) -> str:
        """See `PacketFilter`."""
        return await self._run(f"{self._program}-save", "-t", table)

    async def ensure_jump(self, jump: Jump) -> None:
        """See `PacketFilter`."""
        if await self._holds("-t", jump.table, "-C", jump.chain, *jump.rule):
            return
        verb = "-I" if jump.position == "first" else "-A"
        await self._iptables("-t", jump.table, verb, jump.chain, *jump.rule)

    async def delete_jump(self, jump: Jump) -> None:
        """See `PacketFilter`."""
        while await self._holds("-t", jump.table, "-C", jump.chain, *jump.rule):
            await self._iptables("-t", jump.table, "-D", jump.chain, *jump.rule)

    async def chain_exists(self, table: str, chain: str) -> bool:
        """See `PacketFilter`."""
        return await self._holds("-t", table, "-S", chain, "1")

    async def _iptables(self, *arguments: str) -> str:
        return await self._run(self._program, "--wait", str(_LOCK_WAIT_SECONDS), *arguments)

    async def _holds(self, *arguments: str) -> bool:
        code, _, complaint = await self._call([self._program, "--wait", str(_LOCK_WAIT_SECONDS), *arguments])
        if code in (0, 1):
            return code == 0
        if code == 2 and "No chain/target/match by that name" in complaint:
            return False
        if code == 2 and ("does not exist" in complaint or "Couldn't load target" in complaint):
            return False  # a rule whose target is not there: in the words of the nf_tables and the legacy variant
        raise IptablesError(f"{self._program} {' '.join(arguments)}: {_one_line(complaint)}")

    async def _run(self, program: str, *arguments: str, text: str = "") -> str:
        code, output, complaint = await self._call([program, *arguments], text)
        if code != 0:
            raise IptablesError(f"{program} exit status {code}: {_one_line(complaint)}{_culprit(complaint, text)}")
        return output

    async def _call(self, command: Sequence[str], text: str = "") -> tuple[int, str, str]:
        if shutil.which(command[0]) is None:
            raise IptablesError(f"{command[0]}: executable file not found in $PATH")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_SECONDS):
                output, complaint = await process.communicate(text.encode() if text else None)
        except TimeoutError as error:
            raise IptablesError(f"{command[0]}: no answer in {_CALL_TIMEOUT_SECONDS:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output.decode(errors="replace"), complaint.decode(errors="replace")


def _one_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Try `", "# Warning: "))]
    return "; ".join(lines) or "no message"


def _culprit(complaint: str, text: str) -> str:
    """The line of the input that iptables-restore complains of, since its message has the number only."""
    words = complaint.replace(":", " ").split()
    for before, number in pairwise(words):
        if before == "line" and number.isdigit() and 0 < int(number) <= text.count("\n"):
            return f" (line {number}: {text.splitlines()[int(number) - 1]})"
    return ""
