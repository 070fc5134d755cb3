"""Command-line flags declared as a frozen dataclass, parsed as spf13/pflag does with Kubernetes' word separators.

    @dataclass(frozen=True, kw_only=True)
    class Options:
        kubeconfig: str = flag("", help="path to a kubeconfig file")
        node_lease_duration_seconds: int = flag(40, name="node-lease-duration-seconds", help="...")

`--a-b=x`, `--a-b x`, `--a_b x` and a bare `--bool` are all accepted. Flags of the reference that mean nothing here are
listed in a class variable `without_effect` of `WithoutEffect`: they are taken, and the user is told once.
Go durations ("1m30s") become float seconds.
What a value's text may be is in `component.flagvalues`."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, get_type_hints

from apimachinery.duration import parse_duration as duration
from component.flagvalues import FlagError, converter, is_bool, is_collection, show, type_word
from component.version import GIT_VERSION, version_text

__all__ = ["FlagError", "WithoutEffect", "duration", "flag", "parse", "parse_args"]

T = TypeVar("T")
_META = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    """What `flag` was told."""

    help: str
    name: str
    shorthand: str
    deprecated: str
    choices: tuple[str, ...]
    parse: Callable[[str], Any] | None
    minimum: float | None
    maximum: float | None
    group: str


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """Flags that the reference has and that mean nothing here, by name: those that take a value, and switches."""

    why: str
    values: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Flag:
    """One flag of one options class; `field` is empty for a flag without effect."""

    field: str
    name: str
    annotation: Any
    default: Any
    declared: _Declared

    @property
    def shown(self) -> str:
        """As pflag names it in errors: `--name` or `-n, --name`."""
        return f"-{self.declared.shorthand}, --{self.name}" if self.declared.shorthand else f"--{self.name}"


def flag(
    default: Any,
    *,
    help: str,
    name: str = "",
    shorthand: str = "",
    deprecated: str = "",
    choices: Sequence[str] = (),
    parse: Callable[[str], Any] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    group: str = "",
) -> Any:
    """A dataclass field that is a flag. Its type follows the annotation: bool, int, float (seconds: use
    `parse=duration`), str, tuple[str, ...] (comma separated, repeatable), dict[str, str] ("a=b,c=d").
    `name` defaults to the field's with dashes. A `deprecated` flag is taken, and its text told once on stderr."""
    declared = _Declared(
        help=help, name=name, shorthand=shorthand, deprecated=deprecated, choices=tuple(choices), parse=parse,
        minimum=minimum, maximum=maximum, group=group,
    )  # fmt: skip
    if isinstance(default, (dict, list)):
        frozen = dict(default) if isinstance(default, dict) else tuple(default)
        return dataclasses.field(default_factory=lambda: type(frozen)(frozen), metadata={_META: declared})
    return dataclasses.field(default=default, metadata={_META: declared})


def parse(options: type[T], argv: Sequence[str] | None, *, program: str, description: str) -> T:
    """The options from the command line. --help prints all flags by group and exits 0; --version prints
    "Kubernetes v1.28.x" style text and exits 0; an unknown flag or a bad value prints "Error: ..." on one line to
    stderr and exits 1 as the real daemons do."""
    arguments = sys.argv[1:] if argv is None else argv
    declared = _flags_of(options)
    try:
        request = _wanted_text(arguments, declared)
        if request == "help":
            _exit_with(_help_text(declared.values(), program, description))
        if request:
            _exit_with((GIT_VERSION if request == "raw" else version_text()) + "\n")
        parsed, deprecated = parse_args(options, arguments, program=program)
    except FlagError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(1) from None
    for text in deprecated:
        sys.stderr.write(text + "\n")
    return parsed


def parse_args(options: type[T], arguments: Sequence[str], *, program: str) -> tuple[T, list[str]]:
    """The options and the notes about deprecated or ineffective flags that were used; raises FlagError. Pure."""
    declared = _flags_of(options)
    values: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for found, text in _tokens(arguments, declared, program):
        _store(values, found, text)
        if not found.field:
            notes[found.name] = f"Flag --{found.name} has no effect: {found.declared.help}"
        elif found.declared.deprecated:
            notes[found.name] = f"Flag --{found.name} has been deprecated, {found.declared.deprecated}"
    return options(**values), list(notes.values())


def _flags_of(options: type[Any]) -> dict[str, _Flag]:
    hints = get_type_hints(options)
    found: dict[str, _Flag] = {}
    for item in dataclasses.fields(options):
        declared: _Declared | None = item.metadata.get(_META)
        if declared is None:
            continue
        default = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
        name = declared.name or item.name.replace("_", "-")
        found[name] = _Flag(item.name, name, hints[item.name], default, declared)
    for base in options.__mro__:
        for group in vars(base).get("without_effect", ()):
            _add_without_effect(found, group)
    return found


def _add_without_effect(found: dict[str, _Flag], group: WithoutEffect) -> None:
    declared = _Declared(
        help=group.why, name="", shorthand="", deprecated="", choices=(), parse=None, minimum=None, maximum=None,
        group="Without effect",
    )  # fmt: skip
    for names, annotation, default in ((group.values, str, ""), (group.switches, bool, False)):
        for name in names:
            found.setdefault(name, _Flag("", name, annotation, default, declared))


def _tokens(arguments: Sequence[str], declared: dict[str, _Flag], program: str) -> Iterable[tuple[_Flag, str]]:
    """(flag, text of its value) for each flag given, in order."""
    short = {item.declared.shorthand: item for item in declared.values() if item.declared.shorthand}
    rest = list(arguments)
    positional: list[str] = []
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            positional += rest
            break
        if argument.startswith("--"):
            yield _long(argument, rest, declared)
        elif argument.startswith("-") and len(argument) > 1:
            yield from _shorthands(argument, rest, short)
        else:
            positional.append(argument)
    if positional:
        listed = " ".join(f'"{item}"' for item in positional)
        raise FlagError(f'"{program}" does not take any arguments, got [{listed}]')


def _long(argument: str, rest: list[str], declared: dict[str, _Flag]) -> tuple[_Flag, str]:
    given, equals, text = argument[2:].partition("=")
    if not given or given.startswith("-"):
        raise FlagError(f"bad flag syntax: {argument}")
    item = declared.get(given.replace("_", "-"))
    if item is None:
        raise FlagError(f"unknown flag: --{given}")
    if equals:
        return item, text
    if is_bool(item.annotation):
        return item, "true"
    if not rest:
        raise FlagError(f"flag needs an argument: --{given}")
    return item, rest.pop(0)


def _shorthands(argument: str, rest: list[str], short: dict[str, _Flag]) -> Iterable[tuple[_Flag, str]]:
    letters = argument[1:]
    while letters:
        item = short.get(letters[0])
        if item is None:
            raise FlagError(f"unknown shorthand flag: {letters[0]!r} in {argument}")
        after = letters[1:]
        if after.startswith("="):
            yield item, after[1:]
            return
        if is_bool(item.annotation):
            yield item, "true"
            letters = after
            continue
        if after:
            yield item, after
        elif rest:
            yield item, rest.pop(0)
        else:
            raise FlagError(f"flag needs an argument: {letters[0]!r} in {argument}")
        return


def _store(values: dict[str, Any], item: _Flag, text: str) -> None:
    """Put one given value among the others: lists and maps grow from the second use on, the rest is replaced."""
    try:
        value = (item.declared.parse or converter(item.annotation))(text)
        _check(item.declared, value)
    except ValueError as error:
        raise FlagError(f'invalid argument "{text}" for "{item.shown}" flag: {error}') from None
    if not item.field:
        return
    if is_collection(item.annotation) and item.field in values:
        value = values[item.field] | value if isinstance(value, dict) else values[item.field] + tuple(value)
    values[item.field] = value


def _check(declared: _Declared, value: Any) -> None:
    if declared.choices:
        for part in value if isinstance(value, tuple) else (value,):
            if part not in declared.choices:
                raise ValueError(f"must be one of: {', '.join(declared.choices)}")
    if declared.minimum is not None and isinstance(value, (int, float)) and value < declared.minimum:
        raise ValueError(f"must be greater than or equal to {declared.minimum:g}")
    if declared.maximum is not None and isinstance(value, (int, float)) and value > declared.maximum:
        raise ValueError(f"must be less than or equal to {declared.maximum:g}")


def _wanted_text(arguments: Sequence[str], declared: dict[str, _Flag]) -> str:
    """ "help", "true" or "raw" for --version, "" where the daemon is to run."""
    for argument in arguments:
        if argument == "--":
            return ""
        if argument in ("--help", "-h"):
            return "help"
        if argument == "--version" or argument.startswith("--version="):
            value = argument.partition("=")[2] or "true"
            if value == "raw":
                return "raw"
            return "true" if converter(bool)(value) else ""
    return ""


def _exit_with(text: str) -> NoReturn:
    sys.stdout.write(text)
    sys.stdout.flush()
    raise SystemExit(0)


def _help_text(declared: Iterable[_Flag], program: str, description: str) -> str:
    groups: dict[str, list[_Flag]] = {}
    for item in sorted(declared, key=lambda item: item.name):
        groups.setdefault(item.declared.group or "Generic", []).append(item)
    lines = [*textwrap.wrap(description, 110), "", "Usage:", f"  {program} [flags]"]
    for group in sorted(groups, key=lambda name: (name == "Logs", name)):
        lines += ["", f"{group} flags:", ""]
        for item in groups[group]:
            lines += _help_lines(item)
    lines += ["", "Global flags:", "", "  -h, --help", f"        help for {program}"]
    lines += [
        "      --version version[=true]",
        "        print version information and quit; 'raw' prints the bare version",
    ]
    return "\n".join(lines) + "\n"


def _help_lines(item: _Flag) -> list[str]:
    short = f"  -{item.declared.shorthand}, " if item.declared.shorthand else "      "
    default = "" if item.default in ("", 0, False, (), {}) else f" (default {show(item.default)})"
    note = f" (DEPRECATED: {item.declared.deprecated})" if item.declared.deprecated else ""
    head = f"{short}--{item.name} {type_word(item.annotation)}".rstrip()
    return [head, *textwrap.wrap(item.declared.help + default + note, 110, initial_indent=" " * 8,
                                 subsequent_indent=" " * 8)]  # fmt: skip
