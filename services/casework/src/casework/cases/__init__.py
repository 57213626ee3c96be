"""A case: the rules of one appointment's matter, its audit trail, and the doors to it."""
