"""Read the struct types of Go packages: which JSON fields there are, of which type, and which are `omitempty`.

A development tool of `derive.py`, not imported at run time. It understands the plain style in which the API types of
Kubernetes are written, and no more of Go than that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Where a package's types are named in OpenAPI, by import path.
_OPENAPI_PREFIX: Final = (
    ("k8s.io/api/", "io.k8s.api."),
    ("k8s.io/apimachinery/", "io.k8s.apimachinery."),
    ("k8s.io/apiextensions-apiserver/", "io.k8s.apiextensions-apiserver."),
    ("k8s.io/kube-aggregator/", "io.k8s.kube-aggregator."),
)
_IMPORT = re.compile(r'^\s*(?:import\s+)?(?:(\w+)\s+)?"((?:k8s\.io)/[^"]+)"', re.MULTILINE)
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r"^type (\w+) (?!struct|interface)([\w\[\].*]+)", re.MULTILINE)
_FIELD = re.compile(r'^\s*(\w+)\s+(\S+)\s+`.*?json:"([^"]*)".*?`', re.MULTILINE)
_EMBEDDED = re.compile(r'^\s*([\w.]+)\s+`.*?json:"([^"]*)".*?`', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*?$|\s//[^`\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GoField:
    """One field: its Go type with every name qualified by the OpenAPI name of its package."""

    name: str
    type: str
    omitempty: bool


@dataclass(slots=True)
class GoTypes:
    """Structs by OpenAPI name, and what other named types stand for."""

    structs: dict[str, list[GoField]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def underlying(self, name: str) -> str:
        """What a named type that is no struct stands for, or the name itself."""
        while name in self.aliases:
            name = self.aliases[name]
        return name


def read(root: Path) -> GoTypes:
    """Every API type below a folder that holds `k8s.io/...`."""
    types = GoTypes()
    inlined: dict[str, list[tuple[int, str]]] = {}
    for path in sorted((root / "k8s.io").rglob("*.go")):
        if path.name.endswith("_test.go") or path.name.startswith(("zz_generated", "generated", "types_swagger")):
            continue
        _read_file(path, str(path.parent.relative_to(root)), types, inlined)
    for name in list(types.structs):
        _expand(name, types, inlined)
    return types


def openapi_package(import_path: str) -> str:
    """ "k8s.io/api/core/v1" -> "io.k8s.api.core.v1"."""
    for prefix, name in _OPENAPI_PREFIX:
        if import_path.startswith(prefix):
            return name + import_path[len(prefix) :].replace("/", ".")
    return import_path


def _read_file(path: Path, import_path: str, types: GoTypes, inlined: dict[str, list[tuple[int, str]]]) -> None:
    source = _COMMENT.sub("", path.read_text())
    here = openapi_package(import_path)
    imports = {match[1] or match[2].rpartition("/")[2]: openapi_package(match[2]) for match in _IMPORT.finditer(source)}

    def qualify(written: str) -> str:
        return re.sub(r"([A-Za-z_]\w*\.)?([A-Za-z_]\w*)", lambda m: _qualified(m[1], m[2], here, imports), written)

    for match in _ALIAS.finditer(source):
        types.aliases[f"{here}.{match[1]}"] = qualify(match[2])
    for match in _STRUCT.finditer(source):
        name = f"{here}.{match[1]}"
        fields: list[GoField] = []
        for line in match[2].splitlines():
            _read_line(line, fields, inlined.setdefault(name, []), qualify)
        types.structs[name] = fields


def _read_line(line: str, fields: list[GoField], inlined: list[tuple[int, str]], qualify: Callable[[str], str]) -> None:
    if match := _FIELD.match(line):
        json_name, _, options = match[3].partition(",")
        if json_name and json_name != "-":
            fields.append(GoField(json_name, qualify(match[2]), "omitempty" in options))
            return
    elif match := _EMBEDDED.match(line):
        json_name, _, options = match[2].partition(",")
        if json_name and json_name != "-":
            fields.append(GoField(json_name, qualify(match[1]), "omitempty" in options))
        elif json_name != "-":
            inlined.append((len(fields), qualify(match[1])))


_BUILT_IN: Final = frozenset(
    ("string", "bool", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "byte",
     "float64", "map", "interface", "any")
)  # fmt: skip


def _qualified(package: str | None, name: str, here: str, imports: dict[str, str]) -> str:
    if package:
        return f"{imports.get(package[:-1], package[:-1])}.{name}"
    return name if name in _BUILT_IN else f"{here}.{name}"


def _expand(name: str, types: GoTypes, inlined: dict[str, list[tuple[int, str]]]) -> None:
    """Put the fields of inlined structs in their place."""
    for at, inner in reversed(inlined.pop(name, [])):
        _expand(inner, types, inlined)
        types.structs[name][at:at] = types.structs.get(inner, [])
