"""The nodeipam controller."""
