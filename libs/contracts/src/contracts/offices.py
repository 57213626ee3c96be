"""Offices: one municipality is one TOML file. A bad file is refused with its name, the line and the reason."""

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import holidays
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    HttpUrl,
    ValidationError,
    field_validator,
    model_validator,
)

from contracts import tomlfile
from contracts.catalogue import Catalogue, FeeRule, Service
from contracts.ids import OfficeSlug, ServiceId
from contracts.people import known_zone
from contracts.text import Language, Localised

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Midnight at the end of a day, which `datetime.time` cannot say.
END_OF_DAY = time.max


class OfficeError(ValueError):
    """An office file that cannot be used; the message names the file, the line and what is wrong there."""


def _known_zone(name: str) -> str:
    if known_zone(name) is None:
        raise ValueError(f"unknown time zone {name!r}")
    return name


def _known_state(code: str) -> str:
    if code not in holidays.country_holidays("DE").subdivisions:
        raise ValueError(f"unknown German state {code!r}")
    return code


def _closing_time(value: object) -> object:
    return END_OF_DAY if value == "24:00" else value


Minutes = Annotated[int, Field(ge=0, le=1440)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OpeningHours(_Strict):
    """One span of one weekday in the office's local time, closing time exclusive."""

    weekday: Weekday
    opens: time
    closes: Annotated[time, BeforeValidator(_closing_time)]

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"{self.weekday}: opens at {self.opens}, not before it closes at {self.closes}")
        return self


class Contact(_Strict):
    """How to reach the office in the ordinary way; printed in every mail and on every page."""

    address: tuple[str, ...]
    email: EmailStr
    phone: str
    website: HttpUrl | None = None
    imprint: HttpUrl | None = None
    privacy: HttpUrl | None = None


class Branding(_Strict):
    """What makes the pages look like this town's."""

    accent: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    official_website: bool = Field(default=False, description='Shows the "official website" bar: only where it is one.')


class BookingRules(_Strict):
    """When appointments can be had."""

    grid_minutes: int = Field(ge=5, le=60, description="Slots begin at multiples of this after opening.")
    lead_minutes: int = Field(ge=0, description="The earliest slot begins this long from now.")
    horizon_days: int = Field(ge=1, le=365)
    join_early_minutes: int = Field(ge=0, description="How long before its start an appointment can be joined.")
    observes_holidays: bool = True
    buffer_minutes: int = Field(default=0, ge=0, le=60, description="A clerk's pause after every appointment.")
    max_open_per_email: int = Field(default=4, ge=1, le=50, description="Appointments to come, under one address.")
    freed_delay_minutes: tuple[Minutes, Minutes] = Field(
        default=(15, 90), description="A cancelled slot returns to the public after a random time within these."
    )
    offer_minutes: int = Field(
        default=120, ge=5, le=1440, description="How long a freed slot is kept for one citizen, within `offer_hours`."
    )
    offer_hours: tuple[time, time] = Field(
        default=(time(8), time(20)), description="When people are awake, by the office's clock: only then offers run."
    )
    walk_in: bool = Field(default=True, description="Citizens may come without an appointment when a clerk is free.")
    confirm_email: bool = Field(
        default=False,
        description="A booking stands once its address was confirmed by way of a mail.",
    )
    no_show_minutes: int = Field(default=10, ge=0, le=120, description="Who is not there by then has not come.")

    @model_validator(mode="after")
    def _shortest_delay_first(self) -> Self:
        if self.freed_delay_minutes[0] > self.freed_delay_minutes[1]:
            raise tomlfile.flaw("the shortest delay comes first", "freed_delay_minutes")
        if self.offer_hours[0] >= self.offer_hours[1]:
            raise tomlfile.flaw("the earlier hour comes first", "offer_hours")
        return self


class Retention(_Strict):
    """How long data is kept. The data protection officer decides; the defaults are DOMAIN facts, not law."""

    appointment_days: int = Field(default=30, ge=1)
    file_days: int = Field(default=7, ge=1)
    case_days: int = Field(default=30, ge=1)
    payment_years: int = Field(default=10, ge=1)


class Notify(_Strict):
    """What the office writes to citizens beside the answers to what they do."""

    reminder_minutes: tuple[Annotated[int, Field(ge=10, le=20160)], ...] = Field(
        default=(1440, 30), max_length=5, description="How long before the start a reminder goes out; [] for none."
    )

    reminder_hours: tuple[time, time] = Field(
        default=(time(7), time(21)),
        description="When people are awake, by the office's clock: only then reminders and short messages go out.",
    )

    @field_validator("reminder_hours")
    @classmethod
    def _earlier_hour_first(cls, hours: tuple[time, time]) -> tuple[time, time]:
        if hours[0] >= hours[1]:
            raise ValueError("the earlier hour comes first")
        return hours

    @field_validator("reminder_minutes")
    @classmethod
    def _earliest_first_and_once(cls, minutes: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(minutes)) != len(minutes):
            raise ValueError("the same reminder twice")
        return tuple(sorted(minutes, reverse=True))


class OfferedService(_Strict):
    """A service of the catalogue that this office offers, with what differs here. `fees` replaces all fee rules."""

    id: ServiceId
    minutes: int | None = Field(default=None, ge=5, le=120)
    shared_minutes: int | None = Field(default=None, ge=0)
    minutes_per_further_person: int | None = Field(default=None, ge=1, le=60)
    fees: tuple[FeeRule, ...] | None = Field(default=None, description="An empty list: free of charge here.")

    def applied_to(self, service: Service) -> Service:
        """`service` as this office offers it. Raises ValidationError when the two do not fit."""
        changes = {name: getattr(self, name) for name in self.model_fields_set - {"id"}}
        if "fees" in changes:
            changes["fee_set_by_office"] = False  # it is set
        return Service.model_validate(dict(service) | changes) if changes else service


class Office(_Strict):
    """One municipality."""

    slug: OfficeSlug
    name: Localised
    reference_prefix: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    state: Annotated[str, AfterValidator(_known_state)]
    languages: tuple[Language, ...] = ("de", "en")
    clerks: int = Field(ge=1, le=200, description="How many citizens can be served at the same time.")
    contact: Contact
    branding: Branding
    booking: BookingRules
    retention: Retention = Retention()
    notify: Notify = Notify()
    opening_hours: tuple[OpeningHours, ...]
    services: tuple[OfferedService, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone; opening hours are local times in it."""
        return ZoneInfo(self.time_zone)

    def services_of(self, catalogue: Catalogue) -> Mapping[ServiceId, Service]:
        """What this office offers, by id in the order of its file, with this office's minutes and fees.

        Whoever shows or charges a fee takes it from here. Raises KeyError for an office that does not fit `catalogue`,
        which `load_offices` refuses.
        """
        return {entry.id: entry.applied_to(catalogue[entry.id]) for entry in self.services}


Offices = Mapping[str, Office]


def load_offices(directory: Path, catalogue: Catalogue) -> Offices:
    """All offices of `directory` by slug.

    Raises OfficeError naming file and line on the first bad one, or when there is none.
    """
    offices: dict[str, Office] = {}
    for path in sorted(directory.glob("*.toml")):
        try:
            offices[path.stem] = _office(path, catalogue)
        except ValueError as error:
            raise OfficeError(f"{path.name}: {error}") from error
    if not offices:
        raise OfficeError(f"{directory}: no office file (*.toml) in it")
    return offices


def _office(path: Path, catalogue: Catalogue) -> Office:
    text = tomlfile.read(path)
    office = tomlfile.parse(text, Office)
    lines = tomlfile.positions(text)
    if office.slug != path.stem:
        line = tomlfile.line_of(("slug",), lines)
        raise ValueError(f"line {line}: slug is {office.slug!r}, but the file is named {path.stem!r}")
    seen: set[str] = set()
    for index, entry in enumerate(office.services):
        try:
            _check(entry, catalogue, seen)
        except ValidationError as error:
            raise ValueError(tomlfile.explained(error, lines, "services", index)) from error
        except ValueError as error:
            line = tomlfile.line_of(("services", index, "id"), lines)
            raise ValueError(f"line {line}: services.{index}: {error}") from error
        seen.add(entry.id)
    return office


def _check(entry: OfferedService, catalogue: Catalogue, seen: set[str]) -> None:
    if entry.id not in catalogue:
        raise ValueError(f"unknown service {entry.id!r}; known are {', '.join(catalogue)}")
    if entry.id in seen:
        raise ValueError(f"{entry.id!r} is offered twice")
    if entry.applied_to(catalogue[entry.id]).fee_set_by_office:
        raise ValueError(f"the town sets the fee of {entry.id!r}: state it in [[services.fees]], or fees = [] if free")
