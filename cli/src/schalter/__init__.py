"""The command line: runs the whole system and its chores."""
