"""A packet filter that only remembers: iptables' rules of play without a kernel. For tests and dry runs.

Texts are applied whole or not at all; a jump to a chain that is missing, and the removal of a chain that still has
rules or is still jumped to, are refused as iptables-restore does."""

from __future__ import annotations

import asyncio
import shlex
from copy import deepcopy

from component.iptables import IptablesError, Jump

_BUILT_IN = {
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
}
_TARGETS = {"ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "MASQUERADE", "DNAT"}

#: A rule as its words.
Rule = tuple[str, ...]


class FakePacketFilter:
    """See `component.iptables.PacketFilter`. `restored` keeps every text; `fail_with` makes the next calls fail.
    `outcomes` tells of each restore as it happens: the text, or the error."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, list[Rule]]] = {
            table: {chain: [] for chain in chains} for table, chains in _BUILT_IN.items()
        }
        self.restored: list[str] = []
        self.outcomes: asyncio.Queue[str] = asyncio.Queue()
        self.fail_with: str | None = None

    async def restore(self, text: str) -> None:
        """See `PacketFilter`."""
        self._check()
        tables = deepcopy(self.tables)
        table: dict[str, list[Rule]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            try:
                if line.startswith("*"):
                    table = tables[line[1:]]
                else:
                    _apply(table, line)
            except IptablesError as error:
                raise IptablesError(f"line {number} failed: {error} ({line})") from error
        self.tables = tables
        self.restored.append(text)
        self.outcomes.put_nowait(text)

    async def save(self, table: str) -> str:
        """See `PacketFilter`."""
        self._check()
        chains = self.tables[table]
        lines = [f"*{table}", *(f":{chain} {'ACCEPT' if chain in _BUILT_IN[table] else '-'} [0:0]" for chain in chains)]
        lines += [f"-A {chain} {shlex.join(rule)}" for chain, rules in chains.items() for rule in rules]
        return "\n".join([*lines, "COMMIT", ""])

    async def ensure_jump(self, jump: Jump) -> None:
        """See `PacketFilter`."""
        self._check()
        rules = self.tables[jump.table][jump.chain]
        if jump.rule not in rules:
            _check_target(self.tables[jump.table], jump.rule)
            rules.insert(0 if jump.position == "first" else len(rules), jump.rule)

    async def delete_jump(self, jump: Jump) -> None:
        """See `PacketFilter`."""
        self._check()
        chains = self.tables[jump.table]
        chains[jump.chain] = [rule for rule in chains[jump.chain] if rule != jump.rule]

    async def chain_exists(self, table: str, chain: str) -> bool:
        """See `PacketFilter`."""
        self._check()
        return chain in self.tables[table]

    def flush(self) -> None:
        """What a firewall's restart does: everything is gone."""
        self.tables = FakePacketFilter().tables

    def _check(self) -> None:
        if self.fail_with is not None:
            self.outcomes.put_nowait(self.fail_with)
            raise IptablesError(self.fail_with)


def _apply(table: dict[str, list[Rule]], line: str) -> None:
    if line.startswith(":"):
        table[line[1:].split(" ", 1)[0]] = []
    elif line.startswith("-A "):
        words = tuple(shlex.split(line))
        if words[1] not in table:
            raise IptablesError("no such chain")
        _check_target(table, words[2:])
        table[words[1]].append(words[2:])
    elif line.startswith("-X "):
        chain = line.split()[1]
        if table.get(chain) != []:
            raise IptablesError("chain is not empty or not there")
        if any(target_of(rule) == chain for rules in table.values() for rule in rules):
            raise IptablesError("chain is in use")
        del table[chain]
    elif line != "COMMIT":
        raise IptablesError("syntax error")


def _check_target(table: dict[str, list[Rule]], rule: Rule) -> None:
    target = target_of(rule)
    if target and target not in _TARGETS and target not in table:
        raise IptablesError(f"target {target} does not exist")


def target_of(rule: Rule) -> str:
    """The word after -j, "" where there is none."""
    return rule[rule.index("-j") + 1] if "-j" in rule else ""
