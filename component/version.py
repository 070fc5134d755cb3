"""Which Kubernetes this is, as `--version` and /version say it. Pure."""

from __future__ import annotations

import platform

#: The release whose API and behaviour this is; what clients compare themselves with.
GIT_VERSION = "v1.28.7"
#: The same, told apart from the release it mirrors.
PROGRAM_VERSION = "v1.28.7-mini.0.1.0"
#: What the release was built from.
_GIT_COMMIT = "c8dcb00be9961ec36d141d2e4103f85f92bcf291"


def version_text() -> str:
    """What `--version` prints."""
    return f"Kubernetes {PROGRAM_VERSION}"


def version_info() -> dict[str, str]:
    """The version.Info object served at /version."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": "28",
        "gitVersion": GIT_VERSION,
        "gitCommit": _GIT_COMMIT,
        "gitTreeState": "clean",
        "buildDate": "2024-02-14T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{machine}",
    }
