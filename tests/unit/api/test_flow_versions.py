"""Versions of flow control that are on their way out."""

from __future__ import annotations

from api.flowcontrol.kinds import KINDS


def test_the_old_version_warns_in_the_references_words() -> None:
    said = {kind.resource.version: kind.deprecation for kind in KINDS if kind.kind == "FlowSchema"}
    assert said["v1beta3"] is None
    old = said["v1beta2"]
    assert old is not None
    assert old.removed_release == "1.29"
    assert old.warning == (
        "flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema is deprecated in v1.26+, unavailable in v1.29+; "
        "use flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema"
    )
