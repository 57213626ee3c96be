"""Talk to us now: numbers in the queue of an office, called when a clerk has time."""
