"""Derive `v1.28.numbers.json.gz`, the protobuf field numbers of the built-in types, from the Go source's struct tags.

A development tool, run by hand: `python -m apimachinery.protobuf.derive GO_SOURCES` with the folder that
`apimachinery.schema.derive` takes. Per OpenAPI name: field number -> JSON name, or, for a struct that JSON inlines but
protobuf nests, -> the inner numbers."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from apimachinery.schema import gosource, loader

OUTPUT: Final = Path(__file__).parent / "v1.28.numbers.json.gz"
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r'^\s*(?:\w+\s+)?(\S+)\s+`.*?json:"([^"]*)".*?protobuf:"\w+,(\d+),')
_COMMENT = re.compile(r"^\s*//.*?$", re.MULTILINE)
Numbers = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Write the data file; returns the process's exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m apimachinery.protobuf.derive GO_SOURCES\n")
        return 2
    structs = _read(Path(arguments[0]))
    wanted = {name: _numbers(name, structs) for name in loader.load().names if name in structs}
    packed = gzip.compress(orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS), compresslevel=9, mtime=0)
    OUTPUT.write_bytes(packed)
    sys.stdout.write(f"{OUTPUT}: {len(wanted)} types, {len(packed)} bytes\n")
    return 0


def _read(root: Path) -> dict[str, list[tuple[str, str, str]]]:
    """(JSON tag, Go type, number) of each field that protobuf has, by the struct's OpenAPI name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path in sorted((root / "k8s.io").rglob("*.go")):
        if path.name.endswith("_test.go") or path.name.startswith(("zz_generated", "generated", "types_swagger")):
            continue
        package = gosource.openapi_package(str(path.parent.relative_to(root)))
        for match in _STRUCT.finditer(_COMMENT.sub("", path.read_text())):
            fields = [line for text in match[2].splitlines() if (line := _NAMED.match(text))]
            found[f"{package}.{match[1]}"] = [(line[2], line[1], line[3]) for line in fields]
    return found


def _numbers(name: str, structs: dict[str, list[tuple[str, str, str]]]) -> Numbers:
    numbers: Numbers = {}
    package = name.rpartition(".")[0]
    for tag, go_type, number in structs[name]:
        json_name, _, options = tag.partition(",")
        if json_name:
            numbers[number] = json_name
        elif "inline" in options and "." not in go_type:
            numbers[number] = _numbers(f"{package}.{go_type.lstrip('*')}", structs)
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
