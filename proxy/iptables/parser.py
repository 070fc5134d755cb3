"""Read what iptables-save prints: the chains and rules of one table. Pure."""

from __future__ import annotations


def parse_table(saved: str) -> dict[str, str]:
    """Chain name to its rules, one per line, as saved; a text with several tables gives them all in one."""
    lines: dict[str, list[str]] = {}
    for line in saved.splitlines():
        if line.startswith(":"):
            lines.setdefault(line[1:].split(" ", 1)[0], [])
        elif line.startswith("-A "):
            lines.setdefault(line.split(" ", 2)[1], []).append(line)
    return {chain: "".join(f"{line}\n" for line in rules) for chain, rules in lines.items()}
