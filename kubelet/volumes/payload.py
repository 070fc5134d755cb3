"""The files of configMap, secret and downwardAPI volumes: which paths, what content, which modes. Pure.

`atomic_writer.py` puts them on disk; `projected.py` joins several."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from apimachinery.objects import Object
from kubelet.volumes.interface import MountFailed

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume; `owner` is the uid it is given to, None for root."""

    content: bytes
    mode: int
    owner: int | None = None


#: Files by their path below the volume.
Payload = dict[str, File]


def config_map_payload(config_map: Object, source: Object, default_mode: int) -> Payload:
    """`source` has items and optional; raises MountFailed for a key that is not there."""
    content = {key: str(value).encode() for key, value in (config_map.get("data") or {}).items()}
    content |= {key: base64.b64decode(value) for key, value in (config_map.get("binaryData") or {}).items()}
    return _select(content, source, default_mode, "configmap references non-existent config key")


def secret_payload(secret: Object, source: Object, default_mode: int) -> Payload:
    """As `config_map_payload`."""
    content = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    return _select(content, source, default_mode, "references non-existent secret key")


def _select(content: dict[str, bytes], source: Object, default_mode: int, complaint: str) -> Payload:
    items = source.get("items")
    if not items:
        return {key: File(value, default_mode) for key, value in content.items()}
    payload = {}
    for item in items:
        key = item["key"]
        if key not in content:
            if source.get("optional"):
                continue
            raise MountFailed(f"{complaint}: {key}")
        mode = item.get("mode")
        payload[checked_path(item["path"])] = File(content[key], default_mode if mode is None else int(mode))
    return payload


def checked_path(path: str) -> str:
    """A path below the volume, in its shortest form; raises MountFailed for one that could leave it."""
    if path.startswith("/"):
        raise MountFailed(f"invalid path: must be relative path: {path}")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise MountFailed(f"invalid path: must not contain '..': {path}")
    if not parts:
        raise MountFailed("invalid path: must not be empty")
    if parts[0].startswith(".."):
        raise MountFailed(f"invalid path: must not start with '..': {path}")
    return "/".join(parts)
