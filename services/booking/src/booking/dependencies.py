"""What the use cases work with, put together once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking.offices.model import BookableOffices
from booking.slots.usecases import Calendar
from chassis.tokens import TokenSigner


@dataclass(frozen=True)
class Dependencies:
    """The offices' offers, what tells free slots, the signers of links, and where the pages are."""

    offices: BookableOffices
    calendar: Calendar
    links: TokenSigner
    #: For the links by which the waiting list offers slots.
    offer_links: TokenSigner
    #: For the links of those who wait without an appointment.
    waiting_links: TokenSigner
    #: For the page of who has booked and not confirmed the address yet.
    reservation_links: TokenSigner
    #: For the mail that asks whether the address is theirs.
    confirm_links: TokenSigner
    public_origin: str
    #: The bare address that mails come from.
    mail_from: str
    #: Tells the worker of lost links that one was asked for. It polls too.
    link_asked: Callable[[], None]
    #: Tells the worker of the waiting list that a slot was given back. It polls too: a lost call is made up for.
    slot_freed: Callable[[], None]

    def offer_token(self, office: str, offer_id: UUID, starts_at: datetime, now: datetime) -> str:
        """The right to answer one offer. It tells what became of it until the slot begins; then it is worth nothing."""
        return self.offer_links.sign({"sub": str(offer_id), "office": office}, now=now, expires_at=starts_at)
