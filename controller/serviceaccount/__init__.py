"""The serviceaccount controller."""
