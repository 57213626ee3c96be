"""Who asks: the dependencies by which routes name their actor."""

from typing import Annotated

from fastapi import Depends, Request

from booking.desk import Desk
from booking.errors import RoleMissing
from booking.offers import model as offers
from booking.offers.model import Offer
from chassis.database import Database
from chassis.http import bearer
from contracts.actors import Citizen, Clerk, Listed, Offeree, WalkIn

# Dependencies are coroutines even where they wait for nothing: FastAPI would send others through a thread.


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


TheDesk = Annotated[Desk, Depends(_desk)]
TheDatabase = Annotated[Database, Depends(_database)]


async def _offer(office: str, desk: TheDesk) -> Offer:
    return offers.find(desk.offers, office)


#: The office that the path names.
TheOffer = Annotated[Offer, Depends(_offer)]
#: The holder of an appointment's link.
TheCitizen = Annotated[Citizen, Depends(bearer(Citizen))]
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


async def _own_offer(clerk: TheClerk, desk: TheDesk) -> Offer:
    return offers.find(desk.offers, clerk.office)


#: The clerk's own office.
OwnOffer = Annotated[Offer, Depends(_own_offer)]
