"""Clerks: accounts, sessions, and who may ask."""
