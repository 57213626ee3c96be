"""The rules of appointments, plain Python. Nothing here reads a clock: `now` is a parameter."""

import secrets
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

#: Read aloud on the phone: no I, L, O, 0, 1 and no U (accidental words).
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 6

#: How often the holder of the link may correct the address: nobody mails strangers by way of an appointment.
MAX_CORRECTIONS: Final = 5

#: Whoever leaves a slot within so long of taking it has not kept it from anybody: it returns at once.
TAKEN_FOR_GOOD_AFTER: Final = timedelta(minutes=10)

#: "lapsed": its end has passed, and nobody has said what became of it.
State = Literal["booked", "cancelled", "completed", "aborted", "no_show", "lapsed"]

#: So long after its end an appointment lapses that nobody has ended; calls begin late, and last.
LAPSES_AFTER: Final = timedelta(hours=2)
#: So long after the end of their appointment somebody may be in the room: who tells that they left may have died.
HERE_AT_MOST: Final = timedelta(hours=12)


#: So long the time is kept for somebody until they confirm their address, if the office asks for it.
CONFIRM_WITHIN: Final = timedelta(minutes=30)


def confirm_by(starts_at: datetime, now: datetime) -> datetime:
    """Until when somebody who books now can confirm their address: until the appointment begins at the latest."""
    return min(now + CONFIRM_WITHIN, starts_at)


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


def ended_link(state: State, newest_generation: int, generation: int) -> bool:
    """Whether a link was the one that was good until the appointment was cancelled, which counts as one more."""
    return state == "cancelled" and generation == newest_generation - 1


def hardly_taken(taken_at: datetime, now: datetime) -> bool:
    """Whether a slot that is left now was never really gone: nobody waited for it to be given back."""
    return now < taken_at + TAKEN_FOR_GOOD_AFTER


def correctable(state: State, starts_at: datetime, corrections: int, now: datetime) -> bool:
    """Whether the citizen may still say where to write to: until the appointment begins, and not for ever anew."""
    return changeable(state, starts_at, now) and corrections < MAX_CORRECTIONS


def unended(state: State) -> bool:
    """Whether nobody has said yet what became of the appointment."""
    return state in ("booked", "lapsed")


def missed(state: State, starts_at: datetime, now: datetime, *, grace: timedelta) -> bool:
    """Whether the citizen can be said not to have come: `grace` after the start, not before."""
    return unended(state) and now >= starts_at + grace


def resumable(state: State, ends_at: datetime, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a no-show can be taken back: until the appointment's day is over, as the office counts days."""
    return state == "no_show" and now.astimezone(zone).date() <= ends_at.astimezone(zone).date()


def awaited(state: State, resumed_at: datetime | None, now: datetime) -> bool:
    """Whether somebody who came late is expected in the room, whoever has the time by now that was theirs."""
    return unended(state) and resumed_at is not None and now < resumed_at + HERE_AT_MOST


def lapses(state: State, ends_at: datetime, now: datetime, *, here: bool) -> bool:
    """Whether an appointment ends by itself: nobody comes to it any more, whoever forgot to say what became of it.

    `here`: the citizen waits or talks, as far as is known; then it takes longer.
    """
    return state == "booked" and now >= ends_at + (HERE_AT_MOST if here else LAPSES_AFTER)
