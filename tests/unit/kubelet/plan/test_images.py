"""Image names, pull policy, image garbage collection."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubelet.plan.images import ImageUse, images_to_remove, parse_image, pull_decision
from tests.unit.kubelet.plan.pods import T0

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "reference", "registry"),
    [
        ("nginx", "nginx:latest", "docker.io"),
        ("nginx:1.25", "nginx:1.25", "docker.io"),
        ("library/nginx", "library/nginx:latest", "docker.io"),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", "127.0.0.1:5000"),
        ("localhost/a", "localhost/a:latest", "localhost"),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", "registry.k8s.io"),
        (f"nginx:1@{DIGEST}", f"nginx@{DIGEST}", "docker.io"),
    ],
)
def test_names(text: str, reference: str, registry: str) -> None:
    found = parse_image(text)
    assert (found.reference, found.registry) == (reference, registry)


@pytest.mark.parametrize("text", ["", "NGINX", "a b", "nginx:", ":tag", "nginx:bad/tag", "-x"])
def test_bad_names(text: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        parse_image(text)


@pytest.mark.parametrize(
    ("policy", "present", "decision"),
    [
        ("Always", True, "pull"), ("Always", False, "pull"), ("IfNotPresent", True, "use"),
        ("IfNotPresent", False, "pull"), ("Never", True, "use"), ("Never", False, "never"),
    ],
)  # fmt: skip
def test_pull_policy(policy: str, present: bool, decision: str) -> None:
    assert pull_decision(policy, present) == decision


def test_the_longest_unused_goes_first_and_no_more_than_needed() -> None:
    def image(name: str, used: int, age: int = 1000) -> ImageUse:
        return ImageUse(name, 100, T0 - timedelta(seconds=age), T0 - timedelta(seconds=used))

    images = [image("new", 5), image("old", 500), image("older", 600), image("busy", 900), image("fresh", 700, 10)]
    assert images_to_remove(images, {"busy"}, 150, T0, 120) == ["older", "old"]
    assert images_to_remove(images, {"busy"}, 0, T0, 120) == []
