"""A request's attributes."""

from __future__ import annotations

from dataclasses import replace

from apiserver.interfaces import Attributes, UserInfo


def test_a_request_that_gets_a_name_is_the_same_otherwise() -> None:
    asked = Attributes(
        user=UserInfo("eve", "1", ("g",)), verb="create", path="/api/v1/pods", group="g", version="v1", resource="pods",
        namespace="n", dry_run=True, options={"dryRun": ["All"]}, user_agent="kubectl", source_ips=("::1",),
    )  # fmt: skip
    named = asked.named("x")
    assert named == replace(asked, name="x") != asked
    assert named.notes is asked.notes  # what admission says is heard whichever of them it was asked with
    assert asked.name == ""
