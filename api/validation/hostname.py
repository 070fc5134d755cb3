"""A warning about the name of a workload whose pods are called after it. Pure."""

from __future__ import annotations

from api.validation import names
from apimachinery.objects import Object, name_of

_TEXT = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
    "a DNS label is recommended: "
)


def host_name_warnings(obj: Object, old: Object | None) -> list[str]:
    """On create only, since a name never changes: what keeps the name from being one label of a host name."""
    problems = names.dns1123_label(name_of(obj)) if old is None else []
    return [f"{_TEXT}[{' '.join(problems)}]"] if problems else []
