"""Filling in: the clerk saves an application, the citizen watches it grow, confirms and signs it."""
