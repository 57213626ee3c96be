"""The HTTP door to the queue: for everybody who thinks of coming, and for those who hold a number."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request

from booking.access import TheOffice, TheTicket
from booking.fields import MAX_SERVICES, ServiceCount, wanted
from booking.limits.http import LIMITED, TheVisitor
from booking.walkin import usecases
from booking.walkin.usecases import WalkInContext
from booking.walkin.views import PresenceView, TicketView, WalkInRequest, WalkInView
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, once

router = APIRouter(tags=["walk-in"])


async def _walk_in_context(request: Request) -> WalkInContext:
    context: WalkInContext = request.app.state.walk_in
    return context


TheWalkInContext = Annotated[WalkInContext, Depends(_walk_in_context)]
Services = Annotated[
    list[ServiceCount] | None,
    Query(max_length=MAX_SERVICES, description="For these; left out: for the shortest service of the office."),
]


@router.get("/offices/{office}/walk-in")
async def look(
    context: TheWalkInContext, bookable: TheOffice, tx: Tx, now: Now, services: Services = None
) -> WalkInView:
    """Whether one can come without an appointment now, and how long one would wait."""
    return WalkInView.of(await usecases.look(context, tx, bookable, wanted(services or ()), now))


@router.post("/offices/{office}/walk-in", status_code=201, responses=LIMITED)
async def take(
    context: TheWalkInContext,
    bookable: TheOffice,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: WalkInRequest,
) -> TicketView:
    """Take a number. 409 `walk_in_unavailable` says why not. Repeating the request repeats the answer."""
    office = bookable.office.slug
    async with visitor.passing(office, "walk_in", key, email=body.email) as passed:

        async def act() -> TicketView:
            await passed.spend(tx)
            return TicketView.of(await usecases.take(context, tx, bookable, body.visitor(), passed.owes, now))

        return await once(tx, scope=f"walk-in:{office}", key=key, request=body, now=now, answer=TicketView, act=act)


@router.post("/walk-in/presence")
async def stay(context: TheWalkInContext, tx: Tx, now: Now, ticket: TheTicket) -> PresenceView:
    """I am still here: every ten seconds. Whoever is silent for a minute is gone."""
    return PresenceView.of(await usecases.stay(context, tx, ticket, now))


@router.post("/walk-in/departure", status_code=204, responses=LIMITED)
async def leave(tx: Tx, now: Now, ticket: TheTicket, visitor: TheVisitor) -> None:
    """I am going; what is stored about me is erased. 409 `already_called`: a clerk is waiting."""
    async with visitor.passing(ticket.office, "departure", uuid4().hex, link=ticket.sub) as passed:
        await passed.spend(tx)
        await usecases.leave(tx, ticket, now)
