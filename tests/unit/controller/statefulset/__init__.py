"""Tests of the statefulset controller's decisions."""
