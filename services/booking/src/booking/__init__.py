"""Services offered, free slots, holds and appointments."""
