"""Kernel settings are set, or named with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelet.network.errors import NetworkNotReady
from kubelet.network.sysctl import prepare_node, set_value


def test_settings_are_written(tmp_path: Path) -> None:
    for key, value in (("net/ipv4/ip_forward", "0\n"), ("net/bridge/bridge-nf-call-iptables", "1\n")):
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text(value)
    prepare_node(tmp_path)
    assert (tmp_path / "net/ipv4/ip_forward").read_text() == "1"


def test_a_missing_bridge_filter_names_the_module(tmp_path: Path) -> None:
    with pytest.raises(NetworkNotReady, match="modprobe br_netfilter"):
        set_value("net/bridge/bridge-nf-call-iptables", "1", tmp_path)
    with pytest.raises(NetworkNotReady, match=r"net\.ipv4\.ip_forward does not exist"):
        set_value("net/ipv4/ip_forward", "1", tmp_path)


def test_what_cannot_be_written_says_how_to(tmp_path: Path) -> None:
    (tmp_path / "net/ipv4/ip_forward").mkdir(parents=True)
    with pytest.raises(NetworkNotReady, match=r"sysctl -w net\.ipv4\.ip_forward=1"):
        set_value("net/ipv4/ip_forward", "1", tmp_path)
