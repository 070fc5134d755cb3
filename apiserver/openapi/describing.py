"""What the OpenAPI documents say of types and fields: the words of `kubectl explain`.

They lie in YAML files beside this module, one for each family of groups: the type's short name (or the end of its full
name, where two types share that: `events.v1.Event`), `_` for the type itself, and its fields. What `common.yaml` says
of a field holds for every type that has no text of its own for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "descriptions"
_COMMON = "common.yaml"
_ITSELF = "_"
_CONDITION = "Condition"


class Descriptions:
    """The texts by type and field; "" where there is none."""

    def __init__(self, types: Mapping[str, Mapping[str, str]], common: Mapping[str, str]) -> None:
        self._types = types
        self._common = common

    def of_type(self, name: str) -> str:
        """What a type is; `name` is its full OpenAPI name."""
        short = name.rpartition(".")[2]
        text = self._own(name).get(_ITSELF, "")
        if not text and short.endswith("List"):
            return f"A list of objects of the kind {short.removesuffix('List')}."
        return text

    def of_field(self, name: str, field: str) -> str:
        """What a field of a type is."""
        own = self._own(name)
        if field in own:
            return own[field]
        if name.endswith(_CONDITION) and field in (usual := self._types[_CONDITION]):
            return usual[field]
        if field == "items" and not name.endswith("List"):
            return ""
        return self._common.get(field, "")

    def _own(self, name: str) -> Mapping[str, str]:
        parts = name.split(".")
        found = self._types.get(".".join(parts[-3:]))
        return found if found is not None else self._types.get(parts[-1], {})


@lru_cache(maxsize=1)
def load() -> Descriptions:
    """All texts, read when a document is first asked for."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    types: dict[str, Mapping[str, str]] = {}
    common: Mapping[str, str] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
        if path.name == _COMMON:
            common = content
        else:
            types.update(content)
    return Descriptions(types, common)
