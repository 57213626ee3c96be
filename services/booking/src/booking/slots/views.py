"""What travels over HTTP about free slots and holds."""

from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from booking.fields import MAX_SERVICES, ServiceCount, StartsAt
from booking.offers.model import Offer
from booking.slots.holds import Hold
from booking.slots.model import Slot
from chassis.http import Body


class HoldRequest(Body):
    """Keep this slot for me. `hold_id`: the one I have already (it moves), or one that I choose (a random UUID)."""

    services: list[ServiceCount] = Field(min_length=1, max_length=MAX_SERVICES)
    starts_at: StartsAt
    hold_id: UUID | None = None


class SlotView(TypedDict):
    """A free slot; the end is exclusive."""

    starts_at: datetime
    ends_at: datetime


class SlotsView(BaseModel):
    """Free slots in ascending order. `time_zone` is the office's, which its opening hours and local days follow."""

    time_zone: str
    minutes: int
    slots: list[SlotView]

    @staticmethod
    def of(offer: Offer, length: timedelta, slots: list[Slot]) -> "SlotsView":
        """Dictionaries without validation: weeks may be thousands of slots, and model objects cost 30 times as much."""
        return SlotsView.model_construct(
            time_zone=offer.office.time_zone,
            minutes=int(length.total_seconds()) // 60,
            slots=[{"starts_at": starts_at, "ends_at": ends_at} for starts_at, ends_at in slots],
        )


class HoldView(BaseModel):
    """A slot that is kept until `expires_at`."""

    hold_id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, hold: Hold, *, pause: timedelta) -> Self:
        """The lane is nobody's business, nor is the clerk's `pause` that the hold ends with."""
        return cls(
            hold_id=hold.id,
            starts_at=datetime.fromtimestamp(hold.start, UTC),
            ends_at=datetime.fromtimestamp(hold.end, UTC) - pause,
            expires_at=hold.expires_at,
        )
