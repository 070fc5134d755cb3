"""Tests of the resourcequota controller's decisions."""
