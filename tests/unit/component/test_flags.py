"""Flags parse as pflag does, and say what is wrong in its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from component.flags import FlagError, WithoutEffect, duration, flag, parse, parse_args
from component.version import version_text


@dataclass(frozen=True, kw_only=True)
class Options:
    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect("pages are not printed", values=("paper",), switches=("both-sides",)),
    )
    port: int = flag(8080, help="a port", minimum=0, maximum=65535)
    name: str = flag("", help="a name", shorthand="n")
    servers: tuple[str, ...] = flag((), help="servers")
    period: float = flag(10.0, help="a duration", parse=duration)
    gates: dict[str, bool] = flag({}, help="gates")
    labels: dict[str, str] = flag({}, help="labels")
    verbose: bool = flag(False, help="talk", shorthand="v")
    mode: str = flag("a", help="a mode", choices=("a", "b"))
    old: str = flag("", help="an old one", deprecated="use --name")


def options(*arguments: str) -> Options:
    return parse_args(Options, arguments, program="prog")[0]


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--port=1"], "port", 1),
        (["--port", "0x10"], "port", 16),
        (["--node_name"], None, "unknown flag: --node_name"),
        (["-n", "x"], "name", "x"),
        (["-nx"], "name", "x"),
        (["-vn=x"], "name", "x"),
        (["--servers=a,b", "--servers", "c"], "servers", ("a", "b", "c")),
        (["--period=1m30s"], "period", 90.0),
        (["--gates=A=true,B=false"], "gates", {"A": True, "B": False}),
        (["--labels=a=b", "--labels=c=d=e"], "labels", {"a": "b", "c": "d=e"}),
        (["--verbose"], "verbose", True),
        (["--verbose=false"], "verbose", False),
        (["--mode=b"], "mode", "b"),
        (["--port="], None, 'invalid argument "" for "--port" flag: strconv.ParseInt: parsing "": invalid syntax'),
        (["--port=x"], None, 'invalid argument "x" for "--port" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        (["--port=70000"], None, 'invalid argument "70000" for "--port" flag: must be less than or equal to 65535'),
        (["--period=5"], None, 'invalid argument "5" for "--period" flag: time: missing unit in duration "5"'),
        (["--mode=c"], None, 'invalid argument "c" for "--mode" flag: must be one of: a, b'),
        (["-v=x"], None,
         'invalid argument "x" for "-v, --verbose" flag: strconv.ParseBool: parsing "x": invalid syntax'),
        (["--port"], None, "flag needs an argument: --port"),
        (["-x"], None, "unknown shorthand flag: 'x' in -x"),
        (["stray"], None, '"prog" does not take any arguments, got ["stray"]'),
    ],
)  # fmt: skip
def test_arguments(arguments: list[str], field: str | None, value: object) -> None:
    if field is None:
        with pytest.raises(FlagError) as raised:
            options(*arguments)
        assert str(raised.value) == value
    else:
        assert getattr(options(*arguments), field) == value


def test_underscores_are_dashes() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Long:
        pod_infra_container_image: str = flag("", help="an image")

    assert parse_args(Long, ["--pod_infra-container_image=x"], program="p")[0].pod_infra_container_image == "x"


def test_a_deprecated_flag_is_taken_and_told_once() -> None:
    parsed, notes = parse_args(Options, ["--old=x", "--old=y"], program="prog")
    assert parsed.old == "y"
    assert notes == ["Flag --old has been deprecated, use --name"]


def test_a_flag_without_effect_is_taken_and_told_once() -> None:
    parsed, notes = parse_args(Options, ["--paper", "a4", "--both_sides", "--paper=a5", "--port=1"], program="prog")
    assert parsed.port == 1
    assert notes == [
        "Flag --paper has no effect: pages are not printed",
        "Flag --both-sides has no effect: pages are not printed",
    ]


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ("--paper", "flag needs an argument: --paper"),
        ("--both-sides=maybe", 'invalid argument "maybe" for "--both-sides" flag: '
                               'strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
)  # fmt: skip
def test_a_flag_without_effect_still_needs_its_value(argument: str, error: str) -> None:
    with pytest.raises(FlagError) as raised:
        options(argument)
    assert str(raised.value) == error


def test_defaults_are_not_shared() -> None:
    assert options().labels is not options().labels


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("300ms", 0.3), ("1h15m30.5s", 4530.5), ("-2s", -2), ("1us", 1e-6)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1", "1x", "1s2", "1 s"])
def test_not_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_an_unknown_flag_ends_the_program_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(Options, ["--foo=1"], program="prog", description="Does things.")
    assert raised.value.code == 1
    assert capsys.readouterr().err == "Error: unknown flag: --foo\n"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(Options, ["--foo", "--version"], program="prog", description="Does things.")
    assert raised.value.code == 0
    assert capsys.readouterr().out == version_text() + "\n"
    with pytest.raises(SystemExit):
        parse(Options, ["-h"], program="prog", description="Does things.")
    text = capsys.readouterr().out
    assert "  -n, --name string" in text
    assert "a port (default 8080)" in text
    assert "(DEPRECATED: use --name)" in text
