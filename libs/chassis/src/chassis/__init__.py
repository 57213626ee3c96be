"""What every service does alike. It knows the envelope of an event, and no word of the domain."""
