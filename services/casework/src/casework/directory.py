"""What casework looks up and never changes: the offices of this installation and the service catalogue."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Request

from chassis.problems import NotFound
from contracts.catalogue import Catalogue, Service
from contracts.offices import Office, Offices


@dataclass(frozen=True)
class Directory:
    """Read once at the start; the composition root hands it to whoever needs it."""

    offices: Offices
    catalogue: Catalogue

    def office(self, slug: str) -> Office:
        """The office `slug`. Raises NotFound: its file may have been taken away since."""
        try:
            return self.offices[slug]
        except KeyError:
            raise NotFound("There is no such office.") from None

    def service(self, service_id: str) -> Service:
        """The service `service_id`. Raises NotFound when the catalogue no longer has it."""
        try:
            return self.catalogue[service_id]
        except KeyError:
            raise NotFound("There is no such service.") from None

    def today(self, slug: str, now: datetime) -> date:
        """The calendar day in the office `slug` at `now`."""
        return now.astimezone(self.office(slug).zone).date()


async def _of_app(request: Request) -> Directory:
    directory: Directory = request.app.state.directory
    return directory


#: The directory, for routes.
Lookup = Annotated[Directory, Depends(_of_app)]
