"""Image names, pull decisions and which images to remove.

Pure; the rules are those of pkg/kubelet/images (image_manager.go, image_gc_manager.go)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

_REFERENCE = re.compile(
    r"^(?P<name>(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-fA-F]{32,}))?$"
)


@dataclass(frozen=True, slots=True)
class ImageName:
    """A parsed image reference; tag or digest is set."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def reference(self) -> str:
        """With its tag or digest, as Docker finds the image."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    @property
    def registry(self) -> str:
        """The registry's host; Docker Hub's where none is named."""
        first, slash, _ = self.name.partition("/")
        named = slash and ("." in first or ":" in first or first == "localhost")
        return first if named else "docker.io"


def parse_image(text: str) -> ImageName:
    """The parts of an image name, tag "latest" by default; raises ValueError with Docker's words."""
    match = _REFERENCE.match(text)
    if match is None:
        why = "invalid reference format"
        if re.search(r"[A-Z]", text.split(":")[0].rpartition("/")[2]):
            why += ": repository name must be lowercase"
        raise ValueError(f'couldn\'t parse image name "{text}": {why}')
    if match["digest"]:
        return ImageName(match["name"], digest=match["digest"])
    return ImageName(match["name"], tag=match["tag"] or "latest")


PullDecision = Literal["pull", "use", "never"]


def pull_decision(policy: str, present: bool) -> PullDecision:
    """Whether to pull an image, use what is there, or give up because the policy is Never."""
    if policy == "Always":
        return "pull"
    if present:
        return "use"
    return "never" if policy == "Never" else "pull"


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image as garbage collection sees it."""

    id: str
    size: int
    detected: datetime
    last_used: datetime


def images_to_remove(
    images: Iterable[ImageUse], in_use: Collection[str], bytes_to_free: int, now: datetime, minimum_age_seconds: float
) -> list[str]:
    """Which images to remove, the longest unused first, until `bytes_to_free` would be free."""
    found = []
    for image in sorted(images, key=lambda image: (image.last_used, image.detected)):
        if bytes_to_free <= 0:
            break
        if image.id in in_use or (now - image.detected).total_seconds() < minimum_age_seconds:
            continue
        found.append(image.id)
        bytes_to_free -= image.size
    return found
