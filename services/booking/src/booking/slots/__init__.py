"""Free slots, and slots held while citizens type."""
