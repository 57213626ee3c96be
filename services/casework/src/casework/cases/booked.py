"""What casework knows from the booking: the appointment, and the person it is for."""

from dataclasses import dataclass
from datetime import datetime

from contracts.booking import Need


@dataclass(frozen=True)
class Person:
    """The citizen, as the booking named them. Kept apart from the case, so that it can be erased without it."""

    name: str
    email: str
    time_zone: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Booked:
    """What a booking says of an appointment; with every move it says it anew, under a higher link generation.

    `contact_revision` tells apart what was said of the person under one link: the higher one is the later.
    """

    reference: str
    starts_at: datetime
    ends_at: datetime
    link_generation: int
    person: Person
    needs: tuple[Need, ...]
    contact_revision: int = 0
