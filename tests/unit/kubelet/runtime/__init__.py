"""Tests of kubelet.runtime."""
