"""Tests of cron jobs."""
