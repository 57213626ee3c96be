"""What travels over HTTP about offices and their services. Answers name every field that may leave."""

from datetime import date, datetime, timedelta
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from booking.offices.model import BookableOffice
from booking.timetable.document import Closes, Closure, Opens, SpecialDay, Timetable
from contracts.catalogue import Category, Option, Question, Service, Synonyms
from contracts.ids import OfficeSlug, ServiceId
from contracts.offices import Branding, Contact, Retention, Weekday
from contracts.text import Language, Localised

#: How far ahead the first page tells of special days and closures.
NOTICE: Final = timedelta(days=60)


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
    exempt: Localised | None


class ServiceView(BaseModel):
    """A service as a citizen reads it before booking."""

    model_config = ConfigDict(from_attributes=True)

    id: ServiceId
    category: Category
    name: Localised
    summary: Localised
    summary_plain: Localised
    synonyms: Synonyms
    minutes: int
    shared_minutes: int
    minutes_per_further_person: int | None
    one_form: bool
    needs_identity: bool
    needs_signature: bool
    can_finish: Localised
    cannot_finish: Localised | None
    bring: tuple[Localised, ...]
    questions: tuple[Question, ...]
    options: tuple[Option, ...]
    fees: tuple[FeeView, ...]

    @classmethod
    def of(cls, service: Service, today: date) -> Self:
        """`service` as an office offers it, with the fees that are valid on the day that it is there."""
        return cls.model_validate(service.model_copy(update={"fees": service.fees_on(today)}))


class OpeningHoursView(BaseModel):
    """A span of a weekday in the office's local time, like "08:00" to "24:00"."""

    model_config = ConfigDict(from_attributes=True)

    weekday: Weekday
    opens: Opens
    closes: Closes


class RulesView(BaseModel):
    """When appointments can be had, and joined."""

    model_config = ConfigDict(from_attributes=True)

    grid_minutes: int
    lead_minutes: int
    horizon_days: int
    join_early_minutes: int
    walk_in: bool


class OfficeView(OfficeSummary):
    """An office with everything that its first page shows."""

    time_zone: str
    languages: tuple[Language, ...]
    contact: Contact
    branding: Branding
    opening_hours: list[OpeningHoursView]
    special_days: list[SpecialDay]
    closures: list[Closure]
    booking: RulesView
    retention: Retention
    services: list[ServiceView]

    @classmethod
    def of(cls, bookable: BookableOffice, timetable: Timetable, now: datetime) -> Self:
        """The public side of `offer`: the opening hours of today, and what of the coming 60 days is different."""
        office = bookable.office
        first = now.astimezone(office.zone).date()
        last = first + NOTICE
        return cls(
            slug=office.slug,
            name=office.name,
            time_zone=office.time_zone,
            languages=office.languages,
            contact=office.contact,
            branding=office.branding,
            opening_hours=[OpeningHoursView.model_validate(h) for h in timetable.opening_hours if h.holds_on(first)],
            special_days=[special for special in timetable.special_days if first <= special.day <= last],
            closures=[closure for closure in timetable.closures if closure.first <= last and first <= closure.last],
            booking=RulesView.model_validate(office.booking),
            retention=office.retention,
            services=[ServiceView.of(service, first) for service in bookable.services.values()],
        )
