"""The runner around iptables: what a missing, failing or silent program turns into."""

from __future__ import annotations

from pathlib import Path

import pytest

from component import iptables
from component.iptables import Iptables, IptablesError, Jump

JUMP = Jump("nat", "PREROUTING", ("-j", "OURS"), "first")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is searched for programs before any other."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


async def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(IptablesError, match=r"^iptables-restore: executable file not found in \$PATH$"):
        await Iptables().restore("*nat\nCOMMIT\n")


async def test_the_line_that_failed_is_shown(programs: Path) -> None:
    script(programs / "iptables-restore", "cat >/dev/null; echo 'iptables-restore: line 2 failed' >&2; exit 1")
    with pytest.raises(IptablesError) as failure:
        await Iptables().restore("*nat\n-A NO -j ACCEPT\nCOMMIT\n")
    text = "iptables-restore exit status 1: iptables-restore: line 2 failed (line 2: -A NO -j ACCEPT)"
    assert str(failure.value) == text


async def test_a_program_that_hangs_is_ended(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iptables, "_CALL_TIMEOUT_SECONDS", 0.05)
    script(programs / "iptables-save", "exec sleep 60")
    with pytest.raises(IptablesError, match="no answer"):
        await Iptables().save("nat")


@pytest.mark.parametrize(
    ("exit_code", "complaint", "added"),
    [
        (0, "", False),
        (1, "iptables: Bad rule (does a matching rule exist in that chain?).", True),
        (2, "iptables v1.8.9 (nf_tables): Chain 'OURS' does not exist", True),
        (2, "iptables v1.8.9 (legacy): Couldn't load target `OURS':No such file or directory", True),
    ],
)
async def test_a_jump_is_added_only_where_it_is_missing(
    programs: Path, exit_code: int, complaint: str, added: bool
) -> None:
    said = programs / "said"
    said.write_text(complaint)
    calls = programs / "calls"
    check = f"case \"$*\" in *' -C '*) cat {said} >&2; exit {exit_code};; esac"
    script(programs / "iptables", f'echo "$*" >>{calls}; {check}')
    await Iptables().ensure_jump(JUMP)
    verbs = [line.split()[4] for line in calls.read_text().splitlines()]
    assert verbs == (["-C", "-I"] if added else ["-C"])


async def test_trouble_is_not_taken_for_absence(programs: Path) -> None:
    script(programs / "iptables", "echo 'Another app is currently holding the xtables lock.' >&2; exit 4")
    with pytest.raises(IptablesError, match="xtables lock"):
        await Iptables().ensure_jump(JUMP)
