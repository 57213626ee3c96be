"""Before an appointment stands: somebody has to say that the address is theirs."""
