"""What travels over HTTP about free slots and holds."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from booking.fields import MAX_SERVICES, ServiceCount, StartsAt
from booking.offices.model import BookableOffice
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
    def of(bookable: BookableOffice, length: timedelta, slots: list[Slot]) -> "SlotsView":
        """Dictionaries without validation: weeks may be thousands of slots, and model objects cost 30 times as much."""
        return SlotsView.model_construct(
            time_zone=bookable.office.time_zone,
            minutes=int(length.total_seconds()) // 60,
            slots=[{"starts_at": starts_at, "ends_at": ends_at} for starts_at, ends_at in slots],
        )


def slots_answer(bookable: BookableOffice, length: timedelta, starts: list[int]) -> Response:
    """A `SlotsView` as it goes over the wire, for the busiest of all questions: text that was made before, joined."""
    seconds = int(length.total_seconds())
    zone = json.dumps(bookable.office.time_zone)
    slots = ",".join([_slot_json(start, seconds) for start in starts])
    body = f'{{"time_zone":{zone},"minutes":{seconds // 60},"slots":[{slots}]}}'
    return Response(body, media_type="application/json")


@lru_cache(maxsize=2**16)
def _slot_json(start: int, seconds: int) -> str:
    ends = (datetime.fromtimestamp(instant, UTC) for instant in (start, start + seconds))
    return '{{"starts_at":"{:%Y-%m-%dT%H:%M:%SZ}","ends_at":"{:%Y-%m-%dT%H:%M:%SZ}"}}'.format(*ends)


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
