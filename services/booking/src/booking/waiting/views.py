"""What travels over HTTP about the waiting list."""

from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from booking.appointments.views import BookedServiceView
from booking.entries.store import Entry, Known, Listed
from booking.fields import PersonRequest
from booking.offices.model import BookableOffice
from booking.waiting.model import EntryState, OfferState
from chassis.http import Body
from contracts.ids import OfficeSlug
from contracts.text import Language


class WaitingRequest(PersonRequest):
    """Tell me when there is a slot, on one of these days of the office (both included; left out: on any day)."""

    first: date | None = Field(default=None, description="A day of the office; left out: from today on.")
    last: date | None = Field(default=None, description="Included; left out: whenever.")

    @model_validator(mode="after")
    def _first_before_last(self) -> Self:
        if self.first and self.last and self.first > self.last:
            raise ValueError("the first day is not after the last")
        return self

    def entry(self, length: timedelta) -> Entry:
        """The same for the list; all of it takes `length`."""
        minutes = int(length.total_seconds()) // 60
        return Entry(self.booked(), minutes, self.contact(), self.needed(), self.first, self.last)


class EntryView(BaseModel):
    """Somebody waits; offers come by mail."""

    entry_id: UUID
    since: datetime


class ListedView(BaseModel):
    """Somebody on the waiting list without an appointment, as the holder of the link sees it.

    Who has accepted an offer is `done`, who went or let too many offers pass has `left`.
    """

    state: EntryState
    since: datetime
    until: datetime = Field(description="When the waiting ends by itself.")
    first: date | None = Field(description="The first day asked for.")
    last: date | None = Field(description="The last day asked for, included.")
    offered_until: datetime | None = Field(description="How long the offer that is open is kept for them.")
    services: list[BookedServiceView]
    office: OfficeSlug

    @classmethod
    def of(cls, listed: Listed, bookable: BookableOffice, state: EntryState, until: datetime) -> Self:
        """`listed` for the one who waits."""
        return cls(
            state=state,
            since=listed.since.astimezone(UTC),
            until=until.astimezone(UTC),
            first=listed.first_day,
            last=listed.last_day,
            offered_until=listed.offered_until.astimezone(UTC) if listed.offered_until and state == "offered" else None,
            services=[BookedServiceView.of(service, bookable) for service in listed.services],
            office=bookable.office.slug,
        )


class OfferView(BaseModel):
    """A slot that is kept for the holder of the link until `expires_at`, and what became of it."""

    state: OfferState
    starts_at: datetime
    ends_at: datetime
    current_starts_at: datetime | None = Field(description="When the citizen's appointment is now, if there is one.")
    expires_at: datetime
    services: list[BookedServiceView]
    office: OfficeSlug
    language: Language

    @classmethod
    def of(cls, known: Known, bookable: BookableOffice, state: OfferState) -> Self:
        """`known` for the one whom it was made to."""
        return cls(
            state=state,
            starts_at=known.starts_at.astimezone(UTC),
            ends_at=known.ends_at.astimezone(UTC),
            current_starts_at=known.current_starts_at.astimezone(UTC) if known.current_starts_at else None,
            expires_at=known.expires_at.astimezone(UTC),
            services=[BookedServiceView.of(service, bookable) for service in known.services],
            office=known.office,
            language=known.language,
        )


class Acceptance(Body):
    """Yes, I take it."""


class Refusal(Body):
    """No. `leave_list`: and do not ask again."""

    leave_list: bool = False
