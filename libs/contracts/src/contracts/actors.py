"""Who acts: the claims of the tokens that people carry. Issuers sign them; every other service only verifies."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.ids import AppointmentId, ClerkId, OfficeSlug

Role = Literal["clerk", "lead", "admin"]


class LinkHolder(BaseModel):
    """Whoever holds a link of booking's: a right to one thing, named by `sub`, in one office."""

    ISSUER: ClassVar[str] = "booking"
    AUDIENCE: ClassVar[str]
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    sub: UUID
    office: OfficeSlug

    @property
    def name(self) -> str:
        """How audit trails and events call this actor: never by the person's name."""
        return "citizen"


class Citizen(LinkHolder):
    """The holder of a link that was mailed: may act on one appointment, while `gen` is the appointment's current one.

    A cancelled or moved appointment has a higher generation, so that the old link is dead.
    """

    AUDIENCE: ClassVar[str] = "citizen"

    sub: AppointmentId
    gen: int


class Booker(LinkHolder):
    """Who has booked and not confirmed the address yet: may look, have it mailed again, and correct the address."""

    AUDIENCE: ClassVar[str] = "reservation"

    sub: AppointmentId


class Addressee(LinkHolder):
    """Who reads the mail that asks whether the address is theirs: may say yes, while `gen` is that of the address."""

    AUDIENCE: ClassVar[str] = "confirmation"

    sub: AppointmentId
    gen: int


class Offeree(LinkHolder):
    """The holder of an offer from the waiting list: may accept or refuse this one."""

    AUDIENCE: ClassVar[str] = "offer"


class Listed(LinkHolder):
    """Somebody on the waiting list without an appointment: may look at this entry and leave."""

    AUDIENCE: ClassVar[str] = "waiting"


class WalkIn(LinkHolder):
    """The holder of a number in the walk-in queue."""

    AUDIENCE: ClassVar[str] = "walk_in"


class Clerk(BaseModel):
    """A signed-in clerk of one office. Issued by casework for ten minutes at a time."""

    AUDIENCE: ClassVar[str] = "clerk"
    ISSUER: ClassVar[str] = "casework"
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    sub: ClerkId
    office: OfficeSlug
    role: Role
    display_name: str

    @property
    def name(self) -> str:
        """How audit trails and events call this actor."""
        return f"clerk:{self.sub}"
