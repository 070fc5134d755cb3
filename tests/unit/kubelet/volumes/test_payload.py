"""Keys become files: items, modes, optional keys, paths that would leave the volume."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kubelet.volumes.interface import MountFailed
from kubelet.volumes.payload import File, checked_path, config_map_payload, secret_payload

CONFIG = {"data": {"a": "1", "b": "2"}, "binaryData": {"c": base64.b64encode(b"\x00").decode()}}


def test_all_keys_are_files() -> None:
    wanted = {"a": File(b"1", 0o644), "b": File(b"2", 0o644), "c": File(b"\x00", 0o644)}
    assert config_map_payload(CONFIG, {}, 0o644) == wanted


def test_items_choose_paths_and_modes() -> None:
    source = {"items": [{"key": "a", "path": "x/y", "mode": 0o400}, {"key": "b", "path": "./z"}]}
    assert config_map_payload(CONFIG, source, 0o600) == {"x/y": File(b"1", 0o400), "z": File(b"2", 0o600)}


def test_a_missing_key_fails_unless_optional() -> None:
    source: dict[str, Any] = {"items": [{"key": "no", "path": "no"}]}
    with pytest.raises(MountFailed, match=r"^configmap references non-existent config key: no$"):
        config_map_payload(CONFIG, source, 0o644)
    with pytest.raises(MountFailed, match=r"^references non-existent secret key: no$"):
        secret_payload({}, source, 0o644)
    assert config_map_payload(CONFIG, {**source, "optional": True}, 0o644) == {}


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../b", "..data", "", ".", "a/.."])
def test_paths_that_leave_the_volume(path: str) -> None:
    with pytest.raises(MountFailed):
        checked_path(path)
