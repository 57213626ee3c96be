"""A mail server for development and tests: takes every mail, shows it, delivers none."""
