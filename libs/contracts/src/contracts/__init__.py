"""The shared language: events, subjects, samples, offices and the service catalogue."""
