"""Tests of jobs' time to live."""
