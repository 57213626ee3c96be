"""The goals of the project's checks, by id."""
