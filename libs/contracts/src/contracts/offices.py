"""Offices: one municipality is one TOML file. A bad file is refused with its name and the reason."""

import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

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
    model_validator,
)

from contracts.catalogue import Catalogue
from contracts.ids import OfficeSlug, ServiceId
from contracts.text import Language, Localised

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Midnight at the end of a day, which `datetime.time` cannot say.
END_OF_DAY = time.max


class OfficeError(ValueError):
    """An office file that cannot be used; the message names the file and what is wrong with it."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"unknown time zone {name!r}")
    return name


def _known_state(code: str) -> str:
    if code not in holidays.country_holidays("DE").subdivisions:
        raise ValueError(f"unknown German state {code!r}")
    return code


def _closing_time(value: object) -> object:
    return END_OF_DAY if value == "24:00" else value


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


class Retention(_Strict):
    """How long data is kept. The data protection officer decides; the defaults are DOMAIN facts, not law."""

    appointment_days: int = Field(default=30, ge=1)
    file_days: int = Field(default=7, ge=1)
    case_days: int = Field(default=30, ge=1)
    payment_years: int = Field(default=10, ge=1)


class OfferedService(_Strict):
    """A service of the catalogue that this office offers, with what differs here."""

    id: ServiceId
    minutes: int | None = Field(default=None, ge=5, le=120)


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
    opening_hours: tuple[OpeningHours, ...]
    services: tuple[OfferedService, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone; opening hours are local times in it."""
        return ZoneInfo(self.time_zone)

    def minutes_of(self, service: ServiceId, catalogue: Catalogue) -> int:
        """How long `service` takes here. Raises KeyError when this office does not offer it."""
        offered = {entry.id: entry for entry in self.services}[service]
        return offered.minutes or catalogue[service].minutes


Offices = Mapping[str, Office]


def load_offices(directory: Path, catalogue: Catalogue) -> Offices:
    """All offices of `directory` by slug.

    Raises OfficeError naming the file on the first bad one, or when there is none.
    """
    offices: dict[str, Office] = {}
    for path in sorted(directory.glob("*.toml")):
        office = _load(path)
        if office.slug != path.stem:
            raise OfficeError(f"{path.name}: slug is {office.slug!r}, but the file is named {path.stem!r}")
        for service in office.services:
            if service.id not in catalogue:
                raise OfficeError(f"{path.name}: unknown service {service.id!r}; known are {', '.join(catalogue)}")
        offices[office.slug] = office
    if not offices:
        raise OfficeError(f"{directory}: no office file (*.toml) in it")
    return offices


def _load(path: Path) -> Office:
    try:
        return Office.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise OfficeError(f"{path.name}: {error}") from error
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise OfficeError(f"{path.name}: {reasons}") from error
