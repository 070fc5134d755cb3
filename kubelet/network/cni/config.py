"""CNI configuration files, as text: a list of plugins to run one after the other. Pure.

The CNI specification, section 1 (https://www.cni.dev/docs/spec/); 0.3.1 to 1.0.0, and what came before as far as it
differs in the result only. `directory.py` finds the files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0")
#: CHECK exists, and DEL is told the result of ADD, from this version on.
_WITH_CHECK = VERSIONS.index("0.4.0")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")


class ConfigError(Exception):
    """The file is no CNI configuration that can be used; one line."""


@dataclass(frozen=True, slots=True)
class NetworkList:
    """A network: its plugins, each as in the file."""

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]
    disable_check: bool = False

    @property
    def has_check(self) -> bool:
        """Whether its plugins know CHECK, and want a result with DEL."""
        return VERSIONS.index(self.version) >= _WITH_CHECK

    def to_json(self) -> dict[str, Any]:
        """As a configuration list, for the memory of what was run."""
        return {
            "cniVersion": self.version,
            "name": self.name,
            "disableCheck": self.disable_check,
            "plugins": [dict(plugin) for plugin in self.plugins],
        }


def parse_file(file_name: str, text: str) -> NetworkList:
    """A .conflist file, or a .conf or .json file with a single plugin. Raises ConfigError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"error parsing configuration: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError("error parsing configuration: it is no JSON object")
    if file_name.endswith(".conflist"):
        return parse_list(document)
    if not document.get("type"):
        raise ConfigError("no 'type'; perhaps this is a .conflist?")
    return parse_list({**{k: document[k] for k in ("cniVersion", "name") if k in document}, "plugins": [document]})


def parse_list(document: Mapping[str, Any]) -> NetworkList:
    """A configuration list that was read. Raises ConfigError."""
    name, version = document.get("name"), document.get("cniVersion") or "0.1.0"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError("error parsing configuration list: no name" if not name else f"invalid network name {name!r}")
    if version not in VERSIONS:
        raise ConfigError(f"unsupported cniVersion {version!r}, supported: {', '.join(VERSIONS)}")
    disable_check = document.get("disableCheck", False)
    if disable_check in ("true", "false"):  # as 1.0.0 allows
        disable_check = disable_check == "true"
    if not isinstance(disable_check, bool):
        raise ConfigError(f"error parsing configuration list: invalid disableCheck {disable_check!r}")
    plugins = document.get("plugins")
    if not isinstance(plugins, list) or not plugins:
        raise ConfigError("error parsing configuration list: no plugins in list")
    return NetworkList(name, version, tuple(_plugin(plugin) for plugin in plugins), disable_check)


def _plugin(plugin: Any) -> dict[str, Any]:
    if not isinstance(plugin, dict):
        raise ConfigError("error parsing configuration list: a plugin is no JSON object")
    kind = plugin.get("type")
    if not isinstance(kind, str) or not kind:
        raise ConfigError("error parsing configuration: missing 'type'")
    if "/" in kind or kind in (".", ".."):
        raise ConfigError(f"error parsing configuration: invalid plugin type {kind!r}")
    if not isinstance(plugin.get("capabilities") or {}, dict):
        raise ConfigError(f"error parsing configuration: invalid capabilities of plugin {kind!r}")
    return plugin


def plugin_input(
    network: NetworkList, plugin: Mapping[str, Any], capability_args: Mapping[str, Any], previous: Any
) -> dict[str, Any]:
    """What a plugin reads from its standard input: its own part of the list, with name and version of the list, those
    capability arguments that it knows, and the result of what ran before it (None: nothing did)."""
    known = [name for name, on in (plugin.get("capabilities") or {}).items() if on and name in capability_args]
    result = {key: value for key, value in plugin.items() if key not in ("capabilities", "prevResult")}
    result |= {"name": network.name, "cniVersion": network.version}
    if known:
        result["runtimeConfig"] = {name: capability_args[name] for name in known}
    if previous is not None:
        result["prevResult"] = previous
    return result


def choose(
    files: Sequence[tuple[str, str]], complaint: Callable[[NetworkList], str | None]
) -> tuple[NetworkList | None, list[str]]:
    """Of files (name, text) the first in the order of their names that can be used, and what is wrong with those
    before it. `complaint` says what else is wrong with a network (a plugin that is not there)."""
    wrong = []
    for name, text in sorted(files):
        try:
            network = parse_file(name, text)
        except ConfigError as error:
            wrong.append(f"{name}: {error}")
            continue
        why = complaint(network)
        if why is None:
            return network, wrong
        wrong.append(f"{name}: {why}")
    return None, wrong
