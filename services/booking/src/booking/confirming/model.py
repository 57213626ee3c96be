"""The rules of addresses that are to be confirmed, plain Python."""

from datetime import datetime
from typing import Final, Literal

from booking.appointments.model import State

#: How many mails one reservation brings about, to whichever address: the first, and two more, anew or elsewhere.
MAX_MAILS: Final = 3

#: "kept": until it is confirmed. "confirmed": the appointment stands, or has taken place.
Reserved = Literal["kept", "confirmed", "cancelled"]


def reserved(state: State, confirm_by: datetime | None, now: datetime) -> Reserved | None:
    """What became of a reservation; None when it was not confirmed in time, whether or not its row is gone already."""
    if confirm_by is None:
        return "cancelled" if state == "cancelled" else "confirmed"
    return "kept" if now < confirm_by else None


def mails_left(mails: int) -> int:
    """How many more mails can be asked for."""
    return max(0, MAX_MAILS - mails)
