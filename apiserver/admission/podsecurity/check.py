"""What a check is, and the words its answer is made of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from apimachinery.objects import Object


@dataclass(frozen=True, slots=True)
class Violation:
    """One standard that a pod does not keep: its name, and where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


#: (pod metadata, pod spec) -> the violation, or None.
Check = Callable[[Object, Object], Violation | None]


def containers(spec: Object) -> Iterator[Object]:
    """All containers, in the order in which the reference visits them."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def context_of(holder: Object) -> Object:
    """The securityContext of a pod spec or container."""
    return holder.get("securityContext") or {}


def offenders(spec: Object, offends: Callable[[Object], bool]) -> list[str]:
    """The names of the containers that a condition holds for."""
    return [container.get("name") or "" for container in containers(spec) if offends(container)]


def plural(word: str, count: int) -> str:
    """ "container" or "containers"."""
    return word if count == 1 else f"{word}s"


def quoted(names: Iterable[str]) -> str:
    """ "a", "b" with quotation marks."""
    return ", ".join(f'"{name}"' for name in names)


def named(names: list[str], word: str = "container") -> str:
    """container "a", or containers "a", "b"."""
    return f"{plural(word, len(names))} {quoted(names)}"


def unique(values: Iterable[str]) -> list[str]:
    """Each once, sorted."""
    return sorted(set(values))
