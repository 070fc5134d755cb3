"""Other DNS servers: which to ask, asking them, and keeping what they said."""
