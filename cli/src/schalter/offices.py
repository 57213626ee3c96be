"""The offices of this installation as an operator reads them: whether their files are good, and what they say."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from contracts.catalogue import Catalogue, CatalogueError, FeeRule, Service, load_catalogue
from contracts.offices import END_OF_DAY, WEEKDAYS, Office, OfficeError, Offices, OpeningHours, load_offices
from schalter.embedded import SchalterError


def read_offices(directory: Path) -> tuple[Offices, Catalogue]:
    """The offices of `directory` and the services that they choose from, read as the services read them.

    Raises SchalterError with file, line and reason of the first that cannot be used.
    """
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        raise SchalterError(f"A service file cannot be used: {error}") from None
    try:
        return load_offices(directory, catalogue), catalogue
    except OfficeError as error:
        raise SchalterError(f"An office file cannot be used: {error}") from None


def report(directory: Path) -> Iterator[str]:
    """What the offices of `directory` offer, line by line. Raises SchalterError as `read_offices` does."""
    offices, catalogue = read_offices(directory)
    for office in offices.values():
        yield from _office(office, catalogue)


def _office(office: Office, catalogue: Catalogue) -> Iterator[str]:
    rules = office.booking
    holidays = f"closed on holidays of {office.state}" if rules.observes_holidays else "open on holidays"
    yield f"{office.slug}: {office.name.de}, {office.clerks} clerks, {office.time_zone}"
    yield f"  hours    {_hours(office.opening_hours)}; {holidays}"
    yield (
        f"  booking  every {rules.grid_minutes} min, {rules.lead_minutes} min to {rules.horizon_days} days ahead,"
        f" {rules.buffer_minutes} min between; {'walk-in' if rules.walk_in else 'no walk-in'}"
    )
    services = office.services_of(catalogue)
    left_out = [service for service in catalogue if service not in services]
    yield f"  offers   {len(services)} of {len(catalogue)} services"
    wide = max((len(name) for name in services), default=0)
    for entry, service in zip(office.services, services.values(), strict=True):
        remark = _remark(service, own=entry.fees is not None)
        yield f"    {service.id:<{wide}}  {_minutes(service):<11}  {_fees(service):<16}  {remark}".rstrip()
    if left_out:
        yield f"  not here {', '.join(left_out)}"


def _hours(hours: tuple[OpeningHours, ...]) -> str:
    if not hours:
        return "none"
    ordered = sorted(hours, key=lambda each: (WEEKDAYS.index(each.weekday), each.opens))
    spans = {
        day: ", ".join(f"{each.opens:%H:%M}-{_closes(each)}" for each in of_day)
        for day, of_day in groupby(ordered, lambda each: each.weekday)
    }
    if len(spans) == 7 and len(set(spans.values())) == 1:
        return f"every day {next(iter(spans.values()))}"
    return "; ".join(f"{day} {text}" for day, text in spans.items())


def _closes(hours: OpeningHours) -> str:
    return "24:00" if hours.closes == END_OF_DAY else f"{hours.closes:%H:%M}"


def _minutes(service: Service) -> str:
    further = service.minutes_per_further_person
    return f"{service.minutes} min" + (f", +{further}" if further else "")


def _fees(service: Service) -> str:
    amounts = sorted({rule.amount_cents for rule in service.fees})
    if not any(amounts):
        return "free"
    ends = dict.fromkeys((amounts[0], amounts[-1]))
    return " to ".join(f"{cents // 100}.{cents % 100:02}" for cents in ends) + " EUR"


def _remark(service: Service, *, own: bool) -> str:
    unverified = any(_unverified(rule) for rule in service.fees)
    return ", ".join([*(["this office's fee"] if own else []), *(["unverified: check it"] if unverified else [])])


def _unverified(rule: FeeRule) -> bool:
    return "unverified" in rule.source
