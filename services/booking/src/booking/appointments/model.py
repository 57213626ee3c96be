"""The rules of appointments, plain Python. Nothing here reads a clock: `now` is a parameter."""

import secrets
from datetime import datetime, timedelta
from typing import Literal

#: Read aloud on the phone: no I, L, O, 0, 1 and no U (accidental words).
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 6

State = Literal["booked", "cancelled", "completed", "aborted", "no_show"]


def new_reference(prefix: str) -> str:
    """A name for the appointment that is read aloud easily, like "HD-7K3M9Q". Random, not secret."""
    number, letters = secrets.randbelow(len(_REFERENCE_ALPHABET) ** _REFERENCE_LENGTH), ""
    for _ in range(_REFERENCE_LENGTH):
        number, letter = divmod(number, len(_REFERENCE_ALPHABET))
        letters += _REFERENCE_ALPHABET[letter]
    return f"{prefix}-{letters}"


def changeable(state: State, starts_at: datetime, now: datetime) -> bool:
    """Whether the citizen may still cancel or move: until the appointment begins."""
    return state == "booked" and now < starts_at


def missed(state: State, starts_at: datetime, now: datetime, *, grace: timedelta) -> bool:
    """Whether the citizen can be said not to have come: `grace` after the start, not before."""
    return state == "booked" and now >= starts_at + grace
