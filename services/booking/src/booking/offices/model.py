"""What each office offers: its services with the minutes and fees that hold there, put together once at start."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from booking.errors import OneAtATime, OptionInvalid, TooLong, UnknownOffice, UnknownService
from contracts.booking import BookedService
from contracts.catalogue import Catalogue, Service, appointment_minutes
from contracts.ids import ServiceId
from contracts.offices import Office, Offices

#: No appointment is longer. The database enforces it too: this makes a range condition on `starts_at` complete.
MAX_LENGTH: Final = timedelta(hours=8)

BookableOffices = Mapping[str, "BookableOffice"]


class Wanted(NamedTuple):
    """A service, and for how many people."""

    service_id: ServiceId
    persons: int = 1


@dataclass(frozen=True)
class BookableOffice:
    """One office and the services that it has switched on, in the order of its file."""

    office: Office
    services: Mapping[str, Service]

    def length(self, wanted: Sequence[Wanted]) -> timedelta:
        """How long an appointment for all that is `wanted` takes, see `contracts.catalogue.appointment_minutes`.

        Raises UnknownService or OneAtATime naming the first one that cannot be had so, TooLong beyond 8 hours.
        """
        for index, (service_id, persons) in enumerate(wanted):
            service = self.services.get(service_id)
            if service is None:
                raise UnknownService(f"services.{index}")
            if persons > 1 and service.minutes_per_further_person is None:
                raise OneAtATime(f"services.{index}.persons")
        minutes = appointment_minutes([(self.services[service_id], persons) for service_id, persons in wanted])
        if minutes > MAX_LENGTH.total_seconds() / 60:
            raise TooLong(int(MAX_LENGTH.total_seconds()) // 3600)
        return timedelta(minutes=minutes)

    def check_options(self, services: Sequence[BookedService]) -> None:
        """Raises OptionInvalid unless every option is one of its service's, with one of its choices.

        An option may be left out: what the citizen does not know yet is asked in the call.
        """
        for index, booked in enumerate(services):
            choices = {
                option.id: {choice.id for choice in option.choices}
                for option in self.services[booked.service_id].options
            }
            for option, value in booked.options.items():
                field = f"services.{index}.options.{option[:60]}"
                if option not in choices:
                    raise OptionInvalid(field, "the service has no such option")
                if value not in choices[option]:
                    raise OptionInvalid(field, f"must be one of {', '.join(sorted(choices[option]))}")


def wanted_of(services: Sequence[BookedService]) -> list[Wanted]:
    """What booked services mean for the length of an appointment."""
    return [Wanted(service.service_id, service.persons) for service in services]


def offices(offices: Offices, catalogue: Catalogue) -> BookableOffices:
    """The offers of all offices by slug."""
    return {slug: BookableOffice(office, office.services_of(catalogue)) for slug, office in offices.items()}


def find(offices: BookableOffices, slug: str) -> BookableOffice:
    """The offer of the office `slug`. Raises UnknownOffice."""
    try:
        return offices[slug]
    except KeyError:
        raise UnknownOffice(slug) from None


async def in_turn(offices: Iterable[BookableOffice], act: Callable[[BookableOffice], Awaitable[object]]) -> None:
    """Does `act` for each office. One office's trouble is not the others': it is raised once all have had a turn."""
    failed: Exception | None = None
    for bookable in offices:
        try:
            await act(bookable)
        except Exception as error:  # noqa: BLE001 - raised below
            failed = error
    if failed is not None:
        raise failed
