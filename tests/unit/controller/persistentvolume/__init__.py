"""Tests of the binding of volumes."""
