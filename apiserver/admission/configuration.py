"""--admission-control-config-file: what plugins are configured with.

An AdmissionConfiguration (apiserver.config.k8s.io/v1) names plugins, each with its configuration or with the path of a
file that holds it. What is wrong in it is told in one line before the server starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: The plugins that can be configured.
CONFIGURABLE: Final = frozenset(
    {"EventRateLimit", "ImagePolicyWebhook", "PodNodeSelector", "PodSecurity", "PodTolerationRestriction"}
)
_VERSIONS: Final = ("apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1")
_KIND: Final = "AdmissionConfiguration"


def load(path: str) -> dict[str, Mapping[str, Any]]:
    """Each plugin's configuration; raises ValueError, OSError."""
    if not path:
        return {}
    body = _read(Path(path))
    if body.get("kind") != _KIND or body.get("apiVersion") not in _VERSIONS:
        said = f"{body.get('apiVersion')}, Kind={body.get('kind')}"
        raise ValueError(f"{path}: {said} is no {_KIND} of {_VERSIONS[0]}")
    plugins = body.get("plugins") or []
    if not isinstance(plugins, list) or not all(isinstance(each, dict) and each.get("name") for each in plugins):
        raise ValueError(f"{path}: plugins is a list of entries with a name")
    found: dict[str, Mapping[str, Any]] = {}
    for each in plugins:
        name = str(each["name"])
        if name in found:
            raise ValueError(f"{path}: plugin {name} is configured twice")
        if name not in CONFIGURABLE:
            raise ValueError(f"{path}: plugin {name} takes no configuration in this server")
        found[name] = _configuration(each, Path(path))
    return found


def _configuration(entry: Mapping[str, Any], origin: Path) -> Mapping[str, Any]:
    given = entry.get("configuration")
    if given is not None:
        if not isinstance(given, dict):
            raise ValueError(f"{origin}: the configuration of plugin {entry['name']} is no object")
        return given
    if not entry.get("path"):
        return {}
    return _read(origin.parent / str(entry["path"]))


def _read(path: Path) -> dict[str, Any]:
    import yaml  # here, as most servers have no such file

    try:
        body = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(body, dict):
        raise ValueError(f"{path} holds no object")
    return body
