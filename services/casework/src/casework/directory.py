"""What casework looks up and never changes: the offices of this installation and the service catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Request

from chassis.problems import NotFound
from contracts.catalogue import Catalogue, Service
from contracts.ids import ServiceId
from contracts.offices import Office, Offices


@dataclass(frozen=True)
class Directory:
    """Read once at the start; the composition root hands it to whoever needs it."""

    offices: Offices
    catalogue: Catalogue
    _offered: Mapping[str, Mapping[ServiceId, Service]] = field(init=False)

    def __post_init__(self) -> None:
        offered = {slug: office.services_of(self.catalogue) for slug, office in self.offices.items()}
        object.__setattr__(self, "_offered", offered)

    def office(self, slug: str) -> Office:
        """The office `slug`. Raises NotFound: its file may have been taken away since."""
        try:
            return self.offices[slug]
        except KeyError:
            raise NotFound("There is no such office.") from None

    def service(self, service_id: str) -> Service:
        """The service `service_id`: its name, form and statement. Raises NotFound when the catalogue lost it."""
        try:
            return self.catalogue[service_id]
        except KeyError:
            raise NotFound("There is no such service.") from None

    def offered(self, slug: str, service_id: str) -> Service:
        """The same with the fees of the office `slug`, which its citizens read when they booked.

        One that the office has dropped since has the catalogue's fees. Raises NotFound as `service` does.
        """
        return self._offered.get(slug, {}).get(service_id) or self.service(service_id)

    def today(self, slug: str, now: datetime) -> date:
        """The calendar day in the office `slug` at `now`."""
        return now.astimezone(self.office(slug).zone).date()


async def _of_app(request: Request) -> Directory:
    directory: Directory = request.app.state.directory
    return directory


#: The directory, for routes.
Lookup = Annotated[Directory, Depends(_of_app)]
