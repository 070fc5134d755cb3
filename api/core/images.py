"""Image references: which tag an image has, for the default pull policy. Pure."""

from __future__ import annotations

import re

from apimachinery.remembering import remembered

_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_NAME_MAX = 255
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")


@remembered(4096)
def default_pull_policy(image: str) -> str:
    """Always where the image's tag is, or defaults to, "latest"; else IfNotPresent."""
    match = _REFERENCE.fullmatch(image)
    if match is None or _IMAGE_ID.fullmatch(image) or len(_full_name(match["name"])) > _NAME_MAX:
        return "IfNotPresent"
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def _full_name(name: str) -> str:
    """A name as the distribution's library completes it: with its registry, and the folder of official images."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
