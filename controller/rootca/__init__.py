"""The rootca controller."""
