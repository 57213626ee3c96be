"""What every service does alike; knows no word of the domain."""
