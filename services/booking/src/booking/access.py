"""Who asks: the dependencies by which routes name their actor."""

from typing import Annotated

from fastapi import Depends, Request

from booking.dependencies import Dependencies
from booking.errors import RoleMissing
from booking.offices import model as offices
from booking.offices.model import BookableOffice
from chassis.database import Database
from chassis.http import bearer
from contracts.actors import Addressee, Booker, Citizen, Clerk, Listed, Offeree, WalkIn

# Dependencies are coroutines even where they wait for nothing: FastAPI would send others through a thread.


async def _dependencies(request: Request) -> Dependencies:
    deps: Dependencies = request.app.state.deps
    return deps


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


TheDependencies = Annotated[Dependencies, Depends(_dependencies)]
TheDatabase = Annotated[Database, Depends(_database)]


async def _offer(office: str, deps: TheDependencies) -> BookableOffice:
    return offices.find(deps.offices, office)


#: The office that the path names.
TheOffice = Annotated[BookableOffice, Depends(_offer)]
#: The holder of an appointment's link.
TheCitizen = Annotated[Citizen, Depends(bearer(Citizen))]
#: Who has booked, as long as the address is not confirmed.
TheBooker = Annotated[Booker, Depends(bearer(Booker))]
#: Who reads the mail that asks whether the address is theirs.
TheAddressee = Annotated[Addressee, Depends(bearer(Addressee))]
#: The holder of an offer from the waiting list.
TheOfferee = Annotated[Offeree, Depends(bearer(Offeree))]
#: Somebody on the waiting list without an appointment.
TheListed = Annotated[Listed, Depends(bearer(Listed))]
#: The holder of a number in the queue of those who came without an appointment.
TheTicket = Annotated[WalkIn, Depends(bearer(WalkIn))]
#: A signed-in clerk. Everything a clerk sees and does is in their own office.
TheClerk = Annotated[Clerk, Depends(bearer(Clerk))]


async def _lead(clerk: TheClerk) -> Clerk:
    if clerk.role not in ("lead", "admin"):
        raise RoleMissing("Please ask a lead of your office.")
    return clerk


#: A clerk who decides for the office: lead or admin.
TheLead = Annotated[Clerk, Depends(_lead)]


async def _own_office(clerk: TheClerk, deps: TheDependencies) -> BookableOffice:
    return offices.find(deps.offices, clerk.office)


#: The clerk's own office.
OwnOffice = Annotated[BookableOffice, Depends(_own_office)]
