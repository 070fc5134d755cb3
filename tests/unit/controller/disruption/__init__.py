"""Tests of disruption budgets."""
