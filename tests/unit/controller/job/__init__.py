"""Tests of the job controller's decisions."""
