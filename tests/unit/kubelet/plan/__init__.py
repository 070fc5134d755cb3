"""Tests of kubelet.plan."""
