"""Honest processes at the edge of the world: a payment provider and a mail server."""
