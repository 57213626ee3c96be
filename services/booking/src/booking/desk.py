"""What the use cases work with, put together once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from booking.offers.model import Offers
from booking.slots.usecases import Calendar
from chassis.tokens import TokenSigner


@dataclass(frozen=True)
class Desk:
    """The offices' offers, what tells free slots, the signers of links, and where the pages are."""

    offers: Offers
    calendar: Calendar
    links: TokenSigner
    #: For the links by which the waiting list offers slots.
    offer_links: TokenSigner
    #: For the links of those who wait without an appointment.
    waiting_links: TokenSigner
    public_origin: str
    #: Tells the worker of the waiting list that a slot was given back. It polls too: a lost call is made up for.
    slot_freed: Callable[[], None]
