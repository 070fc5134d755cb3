"""Tests of what pods ask of nodes."""
