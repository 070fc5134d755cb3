"""--controllers."""

from __future__ import annotations

import pytest

from controller.registry import ENTRIES, UnknownController, selected


def names(*wanted: str) -> set[str]:
    """What is selected."""
    return {entry.alias for entry in selected(wanted)}


def test_all_some_and_all_but_one() -> None:
    everything = {entry.alias for entry in ENTRIES}
    assert names("*") == everything
    assert names("replicaset", "deployment-controller") == {"replicaset", "deployment"}
    assert names("*", "-nodeipam") == everything - {"nodeipam"}
    assert names("*", "-bootstrapsigner") == everything


def test_a_wrong_name_is_an_error() -> None:
    with pytest.raises(UnknownController, match='"nonsense" is not in the list of known controllers'):
        selected(["*", "-nonsense"])


def test_names_are_unique() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert len({entry.alias for entry in ENTRIES}) == len(ENTRIES)
