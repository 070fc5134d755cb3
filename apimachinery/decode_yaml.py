"""YAML bodies into objects as sigs.k8s.io/yaml reads them: scalars by the rules of YAML 1.1, keys as text.

Pure; imported where a body is YAML, as PyYAML takes time to load. The C parser is used where it was built."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
import yaml

from apimachinery.decode import SyntaxProblem, json_number
from apimachinery.objects import Object
from apimachinery.schema.leaves import json_kind

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAP_TAG: Final = "tag:yaml.org,2002:map"
_FLOAT_TAG: Final = "tag:yaml.org,2002:float"
_INT_TAG: Final = "tag:yaml.org,2002:int"
_BOOL_TAG: Final = "tag:yaml.org,2002:bool"
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_INT = re.compile(r"(?:[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*))$")
_BOOL = re.compile(r"(?:[yYnN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")

_MOST_DEPTH: Final = 200
_FEW_REPEATED: Final = 100
_SMALL, _MANY, _VERY_MANY = 1000, 400_000, 4_000_000


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time between two loaders without stubs
    """One document; notes the keys that occur twice in a mapping."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        self.flatten_mapping(node)
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in out:
                self.duplicates.append(f'  line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            out[key] = self.construct_object(value_node, deep=True)
        return out


def _construct_map(loader: _Loader, node: Any) -> dict[str, Any]:
    return loader.construct_mapping(node, deep=True)


def _construct_float(loader: _Loader, node: Any) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))


def _construct_int(loader: _Loader, node: Any) -> int | float:
    text = loader.construct_scalar(node).replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", text)
    return json_number(int(f"{octal[1]}0o{octal[2]}" if octal else text, 0))


def _construct_bool(loader: _Loader, node: Any) -> bool:
    return loader.construct_scalar(node).lower() in ("y", "yes", "true", "on")


# Where PyYAML differs from the Go package: timestamps and "1:30" stay text, "1e3" is a number, "y" a truth value.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float", ":int", ":bool"))]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT_TAG, _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT_TAG, _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver(_BOOL_TAG, _BOOL, list("yYnNtTfFoO"))
_Loader.add_constructor(_MAP_TAG, _construct_map)
_Loader.add_constructor(_FLOAT_TAG, _construct_float)
_Loader.add_constructor(_INT_TAG, _construct_int)
_Loader.add_constructor(_BOOL_TAG, _construct_bool)


def _key(key: Any) -> str:
    """A mapping's key as JSON has it."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, (int, float)):
        return str(key)
    raise SyntaxProblem(f"error converting YAML to JSON: unsupported map key of type: {json_kind(key)}")


def _check_depth(body: bytes) -> None:
    """Refuse what would take the parser's recursion, which is C's, to the end of the stack: the whole process would be
    gone. Raises SyntaxProblem, YAMLError."""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets + 2 * max(map(len, body.split(b"\n"))) <= _MOST_DEPTH or _is_json(body):
        return  # a column begins at most two levels of blocks: a mapping, and a list in it
    depth = 0
    for event in yaml.parse(body, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MOST_DEPTH:
                raise _too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _is_json(body: bytes) -> bool:
    """Most bodies are, and that they are not too deep either is found out in no time."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _too_deep() -> SyntaxProblem:
    return SyntaxProblem(f"error converting YAML to JSON: yaml: exceeded max depth of {_MOST_DEPTH}")


def _document(loader: _Loader, *, may_repeat: bool) -> Any:
    if not loader.check_node():
        return None
    node = loader.get_node()
    if may_repeat:
        _check_aliases(node)
    return loader.construct_document(node)


def _check_aliases(root: yaml.Node) -> None:
    """Refuse a document that says little and means very much: aliases of lists of aliases. Raises SyntaxProblem by the
    Go package's measure."""
    sizes: dict[int, int] = {}  # with all that is within, as often as it is there
    waiting = [(root, False)]
    while waiting:
        node, counted = waiting.pop()
        inner = _inner(node)
        if counted:
            sizes[id(node)] = 1 + sum(sizes[id(each)] for each in inner)
        elif id(node) not in sizes:
            sizes[id(node)] = 1
            waiting.append((node, True))
            waiting += [(each, False) for each in inner if id(each) not in sizes]
    whole = sizes[id(root)]
    repeated = whole - len(sizes)
    if repeated > _FEW_REPEATED and whole > _SMALL and repeated > whole * _most_repeated(whole):
        raise SyntaxProblem("error converting YAML to JSON: yaml: document contains excessive aliasing")


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _most_repeated(whole: int) -> float:
    """Which part of a document of so many values may come of aliases."""
    beyond = min(max(whole - _MANY, 0), _VERY_MANY - _MANY)
    return 0.99 - 0.89 * beyond / (_VERY_MANY - _MANY)


def decode_yaml_strict(body: bytes) -> tuple[Object, str]:
    """The object of a body's first document, and the complaint about its duplicate keys ("" without any).

    Raises SyntaxProblem with the Go package's text."""
    loader = _Loader(body)
    try:
        _check_depth(body)
        value = _document(loader, may_repeat=b"*" in body)
    except yaml.MarkedYAMLError as error:
        raise SyntaxProblem(f"error converting YAML to JSON: yaml: {_where(error)}{error.problem}") from error
    except RecursionError as error:
        raise _too_deep() from error
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, SyntaxProblem):
            raise
        raise SyntaxProblem(f"error converting YAML to JSON: yaml: {error}") from error
    finally:
        loader.dispose()
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise SyntaxProblem(
            f"json: cannot unmarshal {json_kind(value)} into Go value of type map[string]interface {{}}"
        )
    lines = loader.duplicates
    return value, "yaml: unmarshal errors:\n" + "\n".join(lines) if lines else ""


def decode_yaml(body: bytes) -> Object:
    """The object of a YAML (or JSON) body's first document; raises SyntaxProblem."""
    return decode_yaml_strict(body)[0]


def _where(error: yaml.MarkedYAMLError) -> str:
    """The place of a syntax error as the Go package counts it."""
    mark = error.problem_mark
    if mark is not None and mark.line:
        return f"line {mark.line + (1 if isinstance(error, yaml.scanner.ScannerError) else 0)}: "
    context = error.context_mark
    return f"line {context.line}: " if context is not None and context.line else ""
