"""UIDs are what the RFC says, and no two are the same."""

from __future__ import annotations

import uuid

from apimachinery.uids import new_uid


def test_random_uuids_of_version_4() -> None:
    made = [new_uid() for _ in range(200)]
    parsed = [uuid.UUID(text) for text in made]
    assert [str(each) for each in parsed] == made
    assert {(each.version, each.variant) for each in parsed} == {(4, uuid.RFC_4122)}
    assert len(set(made)) == len(made)
