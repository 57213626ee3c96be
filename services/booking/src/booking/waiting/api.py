"""The HTTP door to the waiting list: for those who hold an appointment's link, those who have none or wait without one,
and those who hold an offer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Header, Response

from booking.access import TheCitizen, TheDependencies, TheListed, TheOfferee, TheOffice
from booking.appointments.views import BookedView, WaitingView
from booking.dependencies import Dependencies
from booking.errors import OfferOver
from booking.limits.gate import Visitor
from booking.limits.http import LIMITED, TheVisitor
from booking.limits.model import Action
from booking.offices import model as offices
from booking.offices.model import wanted_of
from booking.waiting import privacy, usecases
from booking.waiting.views import Acceptance, EntryView, ListedView, OfferView, Refusal, WaitingRequest
from chassis.database import Transaction
from chassis.http import Now, Tx
from chassis.idempotency import once
from chassis.problems import respond
from contracts.actors import Citizen, Listed, Offeree

router = APIRouter(tags=["waiting list"])

_Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=8, max_length=128, pattern=r"^[\x21-\x7e]+$")]
_NO = Refusal()


@router.put("/appointment/waiting", responses=LIMITED)
async def wait(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor) -> WaitingView:
    """Tell me when something earlier is free. Repeating it keeps the place; leaving and coming back costs work soon."""
    email = await usecases.mailbox_of_who_comes_back(tx, citizen)
    async with _saying(visitor, citizen, tx, "answer", email=email):
        return WaitingView(since=(await usecases.wait(deps, tx, citizen, now)).astimezone(UTC))


@router.delete("/appointment/waiting", status_code=204, responses=LIMITED)
async def stop_waiting(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor) -> None:
    """I am happy with what I have. Who does not wait is done already."""
    async with _saying(visitor, citizen, tx, "departure"):
        await usecases.stop_waiting(deps, tx, citizen, now)


@router.post("/offices/{office}/waiting-list", status_code=201, responses=LIMITED)
async def join(
    deps: TheDependencies,
    bookable: TheOffice,
    tx: Tx,
    now: Now,
    visitor: TheVisitor,
    body: WaitingRequest,
    key: _Key = None,
) -> EntryView:
    """For those who found no slot: offers come by mail, and before them the link by which one leaves again."""
    length = bookable.length(wanted_of(body.booked()))
    bookable.check_options(body.booked())
    key = key or uuid4().hex
    async with visitor.passing(bookable.office.slug, "waiting_list", key, email=body.email) as passed:

        async def act() -> EntryView:
            await passed.spend(tx)
            return EntryView(
                entry_id=await usecases.join(deps, tx, bookable, body.entry(length), passed.owes, now), since=now
            )

        scope = f"wait:{bookable.office.slug}"
        return await once(tx, scope=scope, key=key, request=body, now=now, answer=EntryView, act=act)


@router.get("/waiting")
async def get_listed(deps: TheDependencies, tx: Tx, now: Now, listed: TheListed) -> ListedView:
    """What I wait for, without an appointment, and how it stands. Looking changes nothing."""
    return await _listed(deps, tx, listed, now)


@router.get("/waiting/data")
async def get_listed_data(
    deps: TheDependencies, tx: Tx, now: Now, listed: TheListed, response: Response
) -> privacy.ListedData:
    """Everything that is stored about who waits without an appointment, and who else keeps what (GDPR Art. 15)."""
    response.headers["Content-Disposition"] = 'attachment; filename="data.json"'
    return await privacy.data_of(tx, offices.find(deps.offices, listed.office), listed, now)


@router.post("/waiting/departure", responses=LIMITED)
async def leave(deps: TheDependencies, tx: Tx, now: Now, listed: TheListed, visitor: TheVisitor) -> ListedView:
    """I wait no longer: name and address are erased, what is offered goes to the next. Repeating it is no error; who
    has an appointment by now keeps it."""
    async with _saying(visitor, listed, tx, "departure"):
        await usecases.leave(deps, tx, listed, now)
    return await _listed(deps, tx, listed, now)


async def _listed(deps: Dependencies, tx: Transaction, listed: Listed, now: datetime) -> ListedView:
    bookable = offices.find(deps.offices, listed.office)
    entry = await usecases.listed_of(tx, listed)
    return ListedView.of(entry, bookable, usecases.entry_state(entry, now), usecases.waits_until(entry, bookable))


@router.get("/offer")
async def get_offer(deps: TheDependencies, tx: Tx, now: Now, offeree: TheOfferee) -> OfferView:
    """What is offered, and until when. Looking changes nothing."""
    known = await usecases.offer_of(tx, offeree)
    return OfferView.of(known, offices.find(deps.offices, offeree.office), usecases.state_of(known, now))


@router.post("/offer/acceptance", response_model=BookedView, responses=LIMITED)
async def accept(
    deps: TheDependencies, tx: Tx, now: Now, offeree: TheOfferee, visitor: TheVisitor
) -> BookedView | Response:
    """Take it: the appointment moves, or there is one. The answer has its new link. Repeating it repeats the answer.

    409 `offer_over` when it cannot be had any more; the citizen keeps their place and is offered the next.
    """

    async def act() -> BookedView:
        return BookedView.of(await usecases.accept(deps, tx, offeree, now))

    try:
        async with _saying(visitor, offeree, tx, "answer"), tx.savepoint():
            # An offer is accepted once, so it is its own key.
            return await once(
                tx, scope="offer", key=str(offeree.sub), request=Acceptance(), now=now, answer=BookedView, act=act
            )
    except OfferOver as over:
        await usecases.give_up(deps, tx, offeree, now)
        return respond(over)  # raised, it would undo that the offer is over


@router.post("/offer/refusal", status_code=204, responses=LIMITED)
async def refuse(
    deps: TheDependencies, tx: Tx, now: Now, offeree: TheOfferee, visitor: TheVisitor, body: Refusal = _NO
) -> None:
    """Not this one: the next in the line gets it. The place in the line stays, unless one leaves the list."""
    async with _saying(visitor, offeree, tx, "departure"):
        await usecases.refuse(deps, tx, offeree, leave_list=body.leave_list, now=now)


@asynccontextmanager
async def _saying(
    visitor: Visitor, holder: Citizen | Listed | Offeree, tx: Transaction, what: Action, *, email: str | None = None
) -> AsyncIterator[None]:
    """The gate before `what` the holder of a link says. All of it may be repeated, so that each time counts.

    `email`: whose mailbox gets something of it.
    """
    async with visitor.passing(holder.office, what, uuid4().hex, email=email, link=holder.sub) as passed:
        await passed.spend(tx)
        yield
