"""Calling the webhooks that objects name by URL or by Service: of admission and of conversion."""
