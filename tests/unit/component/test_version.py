"""The version that is served: every field in the form that clients check."""

from __future__ import annotations

import re

from component.version import version_info


def test_the_release_is_named_by_version_and_commit() -> None:
    info = version_info()
    assert (info["major"], info["minor"]) == ("1", "28")
    assert re.fullmatch(r"v1\.28\.\d+", info["gitVersion"])
    # An empty commit fails the check of `kubectl version` that conformance makes.
    assert re.fullmatch(r"[0-9a-f]{40}", info["gitCommit"])


def test_no_field_is_empty() -> None:
    assert [name for name, value in version_info().items() if not value] == []
