"""Command-line flags declared as a frozen dataclass, parsed as spf13/pflag does with Kubernetes' word separators.

    @dataclass(frozen=True, kw_only=True)
    class Options:
        kubeconfig: str = flag("", help="path to a kubeconfig file")
        node_lease_duration_seconds: int = flag(40, name="node-lease-duration-seconds", help="...")

`--a-b=x`, `--a-b x`, `--a_b x` and a bare `--bool` are all accepted. Go durations ("1m30s") become float seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def flag(default: Any, *, help: str, name: str = "", shorthand: str = "", deprecated: str = "",
         choices: Sequence[str] = (), parse: Callable[[str], Any] | None = None, minimum: float | None = None,
         maximum: float | None = None, group: str = "") -> Any:
    """A dataclass field that is a flag. Its type follows the annotation: bool, int, float (seconds: use
    `parse=duration`), str, tuple[str, ...] (comma separated, repeatable), dict[str, str] ("a=b,c=d").
    `name` defaults to the field's with dashes. A `deprecated` flag is taken, and its text logged once."""
    raise NotImplementedError


def duration(text: str) -> float:
    """A Go duration ("300ms", "1h15m30s") in seconds; raises ValueError."""
    raise NotImplementedError


def parse(options: type[T], argv: Sequence[str] | None, *, program: str, description: str) -> T:
    """The options from the command line. --help prints all flags by group and exits 0; --version prints
    "Kubernetes v1.28.x" style text and exits 0; an unknown flag or a bad value prints "Error: ..." on one line to stderr and
    exits 1 as the real daemons do."""
    raise NotImplementedError
