"""Tests of kubelet.server."""
