"""CNI configuration files, and what each plugin gets of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubelet.network.cni.config import ConfigError, NetworkList, choose, parse_file, parse_list, plugin_input

BRIDGE: dict[str, Any] = {"type": "bridge", "bridge": "br0", "ipam": {"type": "host-local"}}
PORTMAP: dict[str, Any] = {"type": "portmap", "capabilities": {"portMappings": True, "aliases": False}}
LIST: dict[str, Any] = {"cniVersion": "0.4.0", "name": "pods", "plugins": [BRIDGE, PORTMAP]}


def test_a_list_and_a_single_plugin() -> None:
    network = parse_file("10-pods.conflist", json.dumps(LIST))
    assert network == NetworkList("pods", "0.4.0", (BRIDGE, PORTMAP))
    single = {"cniVersion": "0.3.1", "name": "pods", **BRIDGE}
    assert parse_file("10-pods.conf", json.dumps(single)) == NetworkList("pods", "0.3.1", (single,))


def test_what_is_remembered_is_what_was_read() -> None:
    network = parse_list({**LIST, "disableCheck": True})
    assert parse_list(json.loads(json.dumps(network.to_json()))) == network


@pytest.mark.parametrize(("version", "known"), [("0.3.1", False), ("0.4.0", True), ("1.0.0", True)])
def test_check_came_with_0_4_0(version: str, known: bool) -> None:
    assert parse_list({**LIST, "cniVersion": version}).has_check is known


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.conflist", "{", "error parsing configuration: "),
        ("a.conflist", "[]", "it is no JSON object"),
        ("a.conflist", json.dumps({**LIST, "name": ""}), "no name"),
        ("a.conflist", json.dumps({**LIST, "name": "../x"}), "invalid network name"),
        ("a.conflist", json.dumps({**LIST, "cniVersion": "9.0.0"}), "unsupported cniVersion '9.0.0'"),
        ("a.conflist", json.dumps({**LIST, "plugins": []}), "no plugins in list"),
        ("a.conflist", json.dumps({**LIST, "plugins": [{}]}), "missing 'type'"),
        ("a.conflist", json.dumps({**LIST, "plugins": [{"type": "../../bin/sh"}]}), "invalid plugin type"),
        ("a.conflist", json.dumps({**LIST, "disableCheck": "perhaps"}), "invalid disableCheck"),
        ("a.conf", json.dumps(LIST), "no 'type'; perhaps this is a .conflist?"),
    ],
)
def test_what_is_no_configuration(name: str, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace("?", r"\?")):
        parse_file(name, text)


def test_the_first_file_that_can_be_used_by_name() -> None:
    other = {**LIST, "name": "other"}
    files = [("20.conflist", json.dumps(LIST)), ("05.conf", "{"), ("10.conflist", json.dumps(other))]
    network, wrong = choose(files, lambda network: None)
    assert network is not None
    assert (network.name, [text.partition(":")[0] for text in wrong]) == ("other", ["05.conf"])
    network, wrong = choose(files, lambda network: "no plugin" if network.name == "other" else None)
    assert network is not None
    assert (network.name, wrong[1]) == ("pods", "10.conflist: no plugin")
    assert choose([], lambda network: None) == (None, [])


def test_a_plugin_gets_its_part_and_what_it_has_a_capability_for() -> None:
    network = parse_list(LIST)
    args = {"portMappings": [1], "bandwidth": {}, "aliases": []}
    assert plugin_input(network, BRIDGE, args, None) == {**BRIDGE, "name": "pods", "cniVersion": "0.4.0"}
    assert plugin_input(network, PORTMAP, args, {"ips": []}) == {
        "type": "portmap", "name": "pods", "cniVersion": "0.4.0",
        "runtimeConfig": {"portMappings": [1]}, "prevResult": {"ips": []},
    }  # fmt: skip
