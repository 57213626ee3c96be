"""What grabbing costs: limits per network address and e-mail address, and proof of work when one comes near (S4)."""
