"""Who acts: the claims of the tokens that people carry. Issuers sign them; every other service only verifies."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.ids import AppointmentId, ClerkId, OfficeSlug

Role = Literal["clerk", "lead", "admin"]


class Citizen(BaseModel):
    """The holder of a link that was mailed: may act on one appointment, while `gen` is the appointment's current one.

    Issued by booking. A cancelled or moved appointment has a higher generation, so that the old link is dead.
    """

    AUDIENCE: ClassVar[str] = "citizen"
    ISSUER: ClassVar[str] = "booking"
    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: AppointmentId
    office: OfficeSlug
    gen: int

    @property
    def name(self) -> str:
        """How audit trails and events call this actor: never by the person's name."""
        return "citizen"


class Offeree(BaseModel):
    """The holder of an offer from the waiting list: may accept or refuse this one. Issued by booking."""

    AUDIENCE: ClassVar[str] = "offer"
    ISSUER: ClassVar[str] = "booking"
    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: UUID
    office: OfficeSlug

    @property
    def name(self) -> str:
        """How audit trails and events call this actor: never by the person's name."""
        return "citizen"


class Listed(BaseModel):
    """Somebody on the waiting list without an appointment: may look at this entry and leave. Issued by booking."""

    AUDIENCE: ClassVar[str] = "waiting"
    ISSUER: ClassVar[str] = "booking"
    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: UUID
    office: OfficeSlug

    @property
    def name(self) -> str:
        """How audit trails and events call this actor: never by the person's name."""
        return "citizen"


class WalkIn(BaseModel):
    """The holder of a number in the walk-in queue. Issued by booking."""

    AUDIENCE: ClassVar[str] = "walk_in"
    ISSUER: ClassVar[str] = "booking"
    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: UUID
    office: OfficeSlug

    @property
    def name(self) -> str:
        """How audit trails and events call this actor: never by the person's name."""
        return "citizen"


class Clerk(BaseModel):
    """A signed-in clerk of one office. Issued by casework for ten minutes at a time."""

    AUDIENCE: ClassVar[str] = "clerk"
    ISSUER: ClassVar[str] = "casework"
    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: ClerkId
    office: OfficeSlug
    role: Role
    display_name: str

    @property
    def name(self) -> str:
        """How audit trails and events call this actor."""
        return f"clerk:{self.sub}"
