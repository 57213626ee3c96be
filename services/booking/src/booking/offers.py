"""What each office offers: its configuration turned into the model's terms, once at start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

import holidays

from booking.errors import OptionInvalid, TooLong, UnknownOffice, UnknownService
from booking.model import MAX_LENGTH, Hours, Schedule
from contracts.booking import BookedService
from contracts.catalogue import Catalogue, Service
from contracts.offices import END_OF_DAY, WEEKDAYS, Office, Offices

Offers = Mapping[str, "Offer"]


@dataclass(frozen=True)
class Offer:
    """One office with its schedule and the services that it has switched on, in the order of its file."""

    office: Office
    schedule: Schedule
    services: Mapping[str, Service]
    minutes: Mapping[str, int]

    def length(self, services: Sequence[str]) -> timedelta:
        """How long an appointment for `services` takes: their minutes added up.

        Raises UnknownService naming the first one that the office does not offer, TooLong beyond 8 hours.
        """
        for index, service in enumerate(services):
            if service not in self.minutes:
                raise UnknownService(f"services.{index}")
        length = timedelta(minutes=sum(self.minutes[service] for service in services))
        if length > MAX_LENGTH:
            raise TooLong
        return length

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


def offers(offices: Offices, catalogue: Catalogue) -> Offers:
    """The offers of all offices by slug."""
    return {slug: _offer(office, catalogue) for slug, office in offices.items()}


def find(offers: Offers, slug: str) -> Offer:
    """The offer of the office `slug`. Raises UnknownOffice."""
    try:
        return offers[slug]
    except KeyError:
        raise UnknownOffice(slug) from None


def _offer(office: Office, catalogue: Catalogue) -> Offer:
    rules = office.booking
    return Offer(
        office=office,
        schedule=Schedule(
            zone=office.zone,
            hours=tuple(
                Hours(WEEKDAYS.index(hours.weekday), _minutes(hours.opens), _minutes(hours.closes))
                for hours in office.opening_hours
            ),
            closed_on=_public_holidays(office.state) if rules.observes_holidays else _never,
            grid=timedelta(minutes=rules.grid_minutes),
            lead=timedelta(minutes=rules.lead_minutes),
            horizon=timedelta(days=rules.horizon_days),
            capacity=office.clerks,
        ),
        services={entry.id: catalogue[entry.id] for entry in office.services},
        minutes={entry.id: office.minutes_of(entry.id, catalogue) for entry in office.services},
    )


def _minutes(clock: time) -> int:
    return 1440 if clock == END_OF_DAY else clock.hour * 60 + clock.minute


def _public_holidays(state: str) -> Callable[[date], bool]:
    # The calendar reckons each year when it is first asked for.
    calendar = holidays.country_holidays("DE", subdiv=state)
    return lambda day: day in calendar


def _never(day: date) -> bool:
    return False
