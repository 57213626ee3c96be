"""`schalter doctor`: looks for what commonly is wrong with an installation, and says of each what to do."""
