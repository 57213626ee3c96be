"""What the offices offer: their services, with the minutes and fees that hold there."""
