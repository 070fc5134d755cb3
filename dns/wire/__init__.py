"""DNS messages (RFC 1035, 6891): reading questions, writing answers, handing on what another server said. Pure."""
