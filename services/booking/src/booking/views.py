"""What comes in and goes out over HTTP. Requests refuse unknown fields; answers name every field that may leave."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, StringConstraints
from typing_extensions import TypedDict

from booking import model
from booking.holds import Hold
from booking.model import Slot, State
from booking.offers import Offer
from booking.tables import Appointment
from booking.usecases import Booked
from chassis.http import Body
from contracts.booking import BookedService
from contracts.catalogue import Option, Question, Service
from contracts.ids import AppointmentId, OfficeSlug, ServiceId
from contracts.offices import END_OF_DAY, Branding, Contact, OpeningHours, Retention, Weekday
from contracts.text import Language, Localised

MAX_SERVICES = 8
_ZONES = available_timezones()


def _to_utc(value: datetime) -> datetime:
    # Keeps the ends of Python's calendar out of everybody's arithmetic.
    if not 1970 <= value.year < 9000:
        raise ValueError("is no time for an appointment")
    return value.astimezone(UTC)


def _printable(text: str) -> str:
    # Control characters and line breaks would end up in mail headers; emoji and right-to-left names are welcome.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", text)


def _zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("is no time zone of the IANA database")
    return name


StartsAt = Annotated[AwareDatetime, AfterValidator(_to_utc)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
OptionId = Annotated[str, StringConstraints(max_length=60)]


class HoldRequest(Body):
    """Keep this slot for me. `hold_id`: the one I have already (it moves), or one that I choose (a random UUID)."""

    services: list[ServiceId] = Field(min_length=1, max_length=MAX_SERVICES)
    starts_at: StartsAt
    hold_id: UUID | None = None


class ChosenService(Body):
    """A service with the options chosen for it."""

    service_id: ServiceId
    options: dict[OptionId, Annotated[str, StringConstraints(max_length=200)]] = Field(
        default_factory=dict, max_length=20
    )

    def booked(self) -> BookedService:
        """The same in the events' terms."""
        return BookedService(service_id=self.service_id, options=self.options)


class AppointmentRequest(Body):
    """Book. Nothing is asked that the appointment does not need."""

    services: list[ChosenService] = Field(min_length=1, max_length=MAX_SERVICES)
    starts_at: StartsAt
    hold_id: UUID | None = None
    name: Name
    email: Annotated[EmailStr, Field(max_length=254)]
    language: Language
    time_zone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] | None = None


class OfficeSummary(BaseModel):
    """An office in the list of all."""

    slug: OfficeSlug
    name: Localised


class FeeView(BaseModel):
    """A fee and when it applies; the call decides which of them does."""

    model_config = ConfigDict(from_attributes=True)

    text: Localised
    amount_cents: int
    age_from: int | None
    age_below: int | None
    when: dict[str, str]


class ServiceView(BaseModel):
    """A service as a citizen reads it before booking."""

    model_config = ConfigDict(from_attributes=True)

    id: ServiceId
    name: Localised
    summary: Localised
    minutes: int
    needs_identity: bool
    needs_signature: bool
    can_finish: Localised
    cannot_finish: Localised | None
    bring: tuple[Localised, ...]
    questions: tuple[Question, ...]
    options: tuple[Option, ...]
    fees: tuple[FeeView, ...]

    @classmethod
    def of(cls, service: Service, minutes: int, now: datetime) -> Self:
        """`service` as an office offers it, with the fees that are valid now."""
        valid = tuple(rule for rule in service.fees if rule.valid_from <= now.date())
        return cls.model_validate(service.model_copy(update={"minutes": minutes, "fees": valid}))


class OpeningHoursView(BaseModel):
    """A span of a weekday in the office's local time, like "08:00" to "24:00"."""

    weekday: Weekday
    opens: str
    closes: str

    @classmethod
    def of(cls, hours: OpeningHours) -> Self:
        """Midnight at the end of a day is 24:00."""
        closes = "24:00" if hours.closes == END_OF_DAY else f"{hours.closes:%H:%M}"
        return cls(weekday=hours.weekday, opens=f"{hours.opens:%H:%M}", closes=closes)


class RulesView(BaseModel):
    """When appointments can be had, and joined."""

    model_config = ConfigDict(from_attributes=True)

    grid_minutes: int
    lead_minutes: int
    horizon_days: int
    join_early_minutes: int


class OfficeView(OfficeSummary):
    """An office with everything that its first page shows."""

    time_zone: str
    languages: tuple[Language, ...]
    contact: Contact
    branding: Branding
    opening_hours: list[OpeningHoursView]
    booking: RulesView
    retention: Retention
    services: list[ServiceView]

    @classmethod
    def of(cls, offer: Offer, now: datetime) -> Self:
        """The public side of `offer`."""
        office = offer.office
        return cls(
            slug=office.slug,
            name=office.name,
            time_zone=office.time_zone,
            languages=office.languages,
            contact=office.contact,
            branding=office.branding,
            opening_hours=[OpeningHoursView.of(hours) for hours in office.opening_hours],
            booking=RulesView.model_validate(office.booking),
            retention=office.retention,
            services=[ServiceView.of(service, offer.minutes[name], now) for name, service in offer.services.items()],
        )


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
    def of(offer: Offer, minutes: int, slots: list[Slot]) -> "SlotsView":
        """Dictionaries without validation: weeks may be thousands of slots, and model objects cost 30 times as much."""
        return SlotsView.model_construct(
            time_zone=offer.office.time_zone,
            minutes=minutes,
            slots=[{"starts_at": starts_at, "ends_at": ends_at} for starts_at, ends_at in slots],
        )


class HoldView(BaseModel):
    """A slot that is kept until `expires_at`."""

    hold_id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """The lane is nobody's business."""
        return cls(
            hold_id=hold.id,
            starts_at=datetime.fromtimestamp(hold.start, UTC),
            ends_at=datetime.fromtimestamp(hold.end, UTC),
            expires_at=hold.expires_at,
        )


class BookedView(BaseModel):
    """The appointment stands. `link` is secret: whoever has it acts for the citizen."""

    appointment_id: AppointmentId
    reference: str
    starts_at: datetime
    ends_at: datetime
    link: str

    @classmethod
    def of(cls, booked: Booked) -> Self:
        """`booked` for the one who booked."""
        return cls(
            appointment_id=booked.appointment_id,
            reference=booked.reference,
            starts_at=booked.slot.starts_at,
            ends_at=booked.slot.ends_at,
            link=booked.link,
        )


class BookedServiceView(BaseModel):
    """A service of an appointment."""

    service_id: ServiceId
    name: Localised | None
    options: dict[str, str]


class AppointmentView(BaseModel):
    """An appointment for the one who holds its link."""

    appointment_id: AppointmentId
    office: OfficeSlug
    reference: str
    state: State
    starts_at: datetime
    ends_at: datetime
    services: list[BookedServiceView]
    name: str
    email: str
    language: Language
    time_zone: str | None
    cancellable: bool
    joinable_from: datetime

    @classmethod
    def of(cls, appointment: Appointment, offer: Offer, now: datetime) -> Self:
        """What may be done with it depends on `now`. A service that the office has dropped since then has no name."""
        services = [BookedService.model_validate(service) for service in appointment.services]
        names = {service_id: service.name for service_id, service in offer.services.items()}
        starts_at = appointment.starts_at.astimezone(UTC)
        return cls(
            appointment_id=AppointmentId(appointment.id),
            office=appointment.office,
            reference=appointment.reference,
            state=appointment.state,
            starts_at=starts_at,
            ends_at=appointment.ends_at.astimezone(UTC),
            services=[
                BookedServiceView(service_id=s.service_id, name=names.get(s.service_id), options=s.options)
                for s in services
            ],
            name=appointment.name,
            email=appointment.email,
            language=appointment.language,
            time_zone=appointment.time_zone,
            cancellable=model.cancellable(appointment.state, starts_at, now),
            joinable_from=starts_at - timedelta(minutes=offer.office.booking.join_early_minutes),
        )
