"""What the services are measured against: the same work with nothing around it."""
