"""What can go wrong with the pod network, in words fit for an Event."""

from __future__ import annotations


class NetworkError(Exception):
    """The kernel, iptables or the node's settings refuse; the text says which and why. Worth a retry."""


class NetworkNotReady(NetworkError):
    """No pod CIDR yet, or the node is not prepared: pods wait."""
