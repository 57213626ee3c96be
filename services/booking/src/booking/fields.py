"""Fields that several doors take, each with what makes it valid."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from booking.offices.model import Wanted
from chassis.http import Body
from contracts.booking import BookedService, CitizenContact, Need
from contracts.ids import ServiceId
from contracts.people import PersonEmail, PersonName, Phone, TimeZone
from contracts.text import Language

MAX_SERVICES = 8
MAX_PERSONS = 12


def _to_utc(value: datetime) -> datetime:
    # Keeps the ends of Python's calendar out of everybody's arithmetic.
    if not 1970 <= value.year < 9000:
        raise ValueError("is no time for an appointment")
    return value.astimezone(UTC)


def _day(value: date) -> date:
    if not 1970 < value.year < 9000:
        raise ValueError("is no day of any office")
    return value


StartsAt = Annotated[AwareDatetime, AfterValidator(_to_utc)]
#: A local day of the office.
Day = Annotated[date, AfterValidator(_day)]
OptionId = Annotated[str, StringConstraints(max_length=60)]
#: A service, and after a colon for how many people: "personalausweis:2".
ServiceCount = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,58}[a-z0-9](:([1-9]|1[0-2]))?$")]


def wanted(services: Sequence[ServiceCount]) -> list[Wanted]:
    """What "id" and "id:persons" mean."""
    split = (service.partition(":") for service in services)
    return [Wanted(service, int(persons or 1)) for service, _, persons in split]


class ChosenService(Body):
    """A service with the options chosen for it, and for how many people it is."""

    service_id: ServiceId
    options: dict[OptionId, Annotated[str, StringConstraints(max_length=200)]] = Field(
        default_factory=dict, max_length=20
    )
    persons: int = Field(default=1, ge=1, le=MAX_PERSONS)

    def booked(self) -> BookedService:
        """The same in the events' terms."""
        return BookedService(service_id=self.service_id, options=self.options, persons=self.persons)


class PersonRequest(Body):
    """Who comes, for what, and what they need. Nothing is asked that the appointment does not need."""

    services: list[ChosenService] = Field(min_length=1, max_length=MAX_SERVICES)
    name: PersonName
    email: PersonEmail
    phone: Phone | None = None
    language: Language
    time_zone: TimeZone = None
    plain_language: bool = Field(default_factory=bool)  # a stated default would make it required for typed clients
    needs: list[Need] = Field(default_factory=list, max_length=3)

    def contact(self) -> CitizenContact:
        """How to address the citizen."""
        return CitizenContact(
            name=self.name,
            email=self.email,
            language=self.language,
            time_zone=self.time_zone,
            phone=self.phone,
            plain_language=self.plain_language,
        )

    def booked(self) -> tuple[BookedService, ...]:
        """The services in the events' terms."""
        return tuple(service.booked() for service in self.services)

    def needed(self) -> tuple[Need, ...]:
        """Each need once."""
        return tuple(dict.fromkeys(self.needs))
