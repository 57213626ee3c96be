"""Cases, applications, identity checks, signatures and the documents made of them."""
