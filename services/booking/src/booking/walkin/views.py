"""What travels over HTTP about the queue."""

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, Field

from booking.fields import PersonRequest
from booking.walkin.model import Unavailable
from booking.walkin.store import Arrival
from booking.walkin.usecases import Look, QueuePosition, Taken


class WalkInRequest(PersonRequest):
    """Talk to us now."""

    def visitor(self) -> Arrival:
        """The same for the queue."""
        return Arrival(self.booked(), self.contact(), self.needed())


class WalkInView(BaseModel):
    """Whether one can come without an appointment now. `estimate_seconds`: how long whoever comes now will wait."""

    available: bool
    reason: Unavailable | None = Field(description="Why not; null if one can.")
    waiting: int
    estimate_seconds: int | None = Field(description="Null if nobody can say.")
    closes_at: datetime | None = Field(description="When the office closes; null if it is closed.")

    @classmethod
    def of(cls, look: Look) -> Self:
        """`look` for everybody."""
        return cls(
            available=look.reason is None,
            reason=look.reason,
            waiting=look.waiting,
            estimate_seconds=_seconds(look.estimate),
            closes_at=look.closes_at,
        )


class TicketView(BaseModel):
    """A number in the queue. `ticket` is secret: whoever has it is this number. Show presence every ten seconds."""

    ticket: str
    number: int
    ahead: int = Field(description="How many come before.")
    estimate_seconds: int | None

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """`taken` for the one who took it."""
        return cls(
            ticket=taken.token,
            number=taken.place.number,
            ahead=taken.place.ahead,
            estimate_seconds=_seconds(taken.place.estimate),
        )


class PresenceView(BaseModel):
    """Where one is in the queue. Once called, `link` leads to the appointment that begins now; it is mailed too."""

    number: int
    state: Literal["waiting", "called", "gone"]
    ahead: int
    estimate_seconds: int | None
    staffed: bool = Field(description="Whether a clerk is there at the moment; the number stays good if not.")
    link: str | None

    @classmethod
    def of(cls, place: QueuePosition) -> Self:
        """`place` for the holder of the number. Who left is gone like those who fell silent."""
        return cls(
            number=place.number,
            state="gone" if place.state == "left" else place.state,
            ahead=place.ahead,
            estimate_seconds=_seconds(place.estimate),
            staffed=place.staffed,
            link=place.link,
        )


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds())
