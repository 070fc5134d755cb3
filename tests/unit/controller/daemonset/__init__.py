"""Tests of the daemonset controller's decisions."""
