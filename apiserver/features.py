"""--feature-gates and --runtime-config: what of the alpha and beta features and APIs is on. Pure.

Only what this server has and v1.28 leaves to these flags is looked at; other names are taken and mean nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.catalog import OPTIONAL_KINDS
from api.kind import Kind


def gates(values: Sequence[str]) -> Mapping[str, bool]:
    """Each gate that is named, and whether it is on; raises ValueError."""
    return dict(_switch(value, "feature-gates") for value in values)


def policies_enforced(feature_gates: Sequence[str]) -> bool:
    """Whether ValidatingAdmissionPolicies are in force (beta in v1.28, off by default)."""
    found = gates(feature_gates)
    return found.get("ValidatingAdmissionPolicy", found.get("AllBeta", False))


def optional_kinds(runtime_config: Sequence[str]) -> list[Kind]:
    """The kinds that are served only where --runtime-config asks for them; raises ValueError."""
    wanted = dict(_switch(value, "runtime-config") for value in runtime_config)
    return [kind for kind in OPTIONAL_KINDS if _is_served(kind, wanted)]


def _is_served(kind: Kind, wanted: Mapping[str, bool]) -> bool:
    """The most exact word counts. What is stored in a version that is not served is served through the others."""
    version = kind.resource.version
    stage = "api/alpha" if "alpha" in version else "api/beta"
    for word in (f"{kind.resource.api_version}/{kind.resource.plural}", kind.resource.api_version, stage, "api/all"):
        if word in wanted:
            return wanted[word]
    return False


def _switch(text: str, flag: str) -> tuple[str, bool]:
    name, mark, value = text.partition("=")
    if value.lower() not in ("true", "false", "1", "0", "t", "f") and (mark or flag == "feature-gates"):
        raise ValueError(f"--{flag}: invalid value of {name}: {value!r} is neither true nor false")
    return name.strip(), value.lower() in ("true", "1", "t") or not mark
