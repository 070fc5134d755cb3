"""Tests of replica sets."""
