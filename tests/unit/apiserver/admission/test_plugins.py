"""Which plugins are on, and in which order."""

from __future__ import annotations

import pytest

from apiserver.admission.plugins import DEFAULT_ON, ORDER, chosen


def test_defaults_and_changes_keep_the_order() -> None:
    assert set(chosen([], [], [])) == DEFAULT_ON
    names = chosen(["NodeRestriction", "AlwaysPullImages"], ["Priority"], [])
    assert names == [name for name in ORDER if name in names]
    assert "NodeRestriction" in names
    assert "Priority" not in names


def test_the_old_flag_means_exactly_those() -> None:
    assert chosen([], [], ["ResourceQuota", "NamespaceLifecycle"]) == ["NamespaceLifecycle", "ResourceQuota"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ((["Nonsense"], [], []), 'admission-control plugin "Nonsense" is unknown'),
        ((["Priority"], ["Priority"], []), "overlapped"),
        ((["Priority"], [], ["Priority"]), "mutually exclusive"),
    ],
)
def test_contradictions(flags: tuple[list[str], list[str], list[str]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        chosen(*flags)
