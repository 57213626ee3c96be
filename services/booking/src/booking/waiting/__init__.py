"""The waiting list: who waits for a slot, which freed slot is offered to whom, and what they answer."""
