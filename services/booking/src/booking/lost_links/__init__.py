"""Somebody has lost the link to their appointment: it is mailed anew."""
