"""The HTTP door to the waiting list: for those who hold an appointment's link, those who have none or wait without one,
and those who hold an offer."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Header, Response

from booking.access import TheCitizen, TheDesk, TheListed, TheOffer, TheOfferee
from booking.appointments.views import BookedView, WaitingView
from booking.desk import Desk
from booking.limits.door import LIMITED, TheVisitor
from booking.offers import model as offers
from booking.offers.model import wanted
from booking.waiting import privacy, usecases
from booking.waiting.views import Acceptance, EntryView, ListedView, OfferView, Refusal, WaitingRequest
from chassis.database import Transaction
from chassis.http import Now, Tx
from chassis.idempotency import once
from contracts.actors import Listed

router = APIRouter(tags=["waiting list"])

_Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=8, max_length=128, pattern=r"^[\x21-\x7e]+$")]
_NO = Refusal()


@router.put("/appointment/waiting")
async def wait(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> WaitingView:
    """Tell me when something earlier is free. Repeating it keeps the place."""
    return WaitingView(since=(await usecases.wait(desk, tx, citizen, now)).astimezone(UTC))


@router.delete("/appointment/waiting", status_code=204)
async def stop_waiting(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> None:
    """I am happy with what I have. Who does not wait is done already."""
    await usecases.stop_waiting(desk, tx, citizen, now)


@router.post("/offices/{office}/waiting-list", status_code=201, responses=LIMITED)
async def join(
    desk: TheDesk, offer: TheOffer, tx: Tx, now: Now, visitor: TheVisitor, body: WaitingRequest, key: _Key = None
) -> EntryView:
    """For those who found no slot: offers come by mail, and before them the link by which one leaves again.

    429 `limit_reached` for too many under one address.
    """
    length = offer.length(wanted(body.booked()))
    offer.check_options(body.booked())
    key = key or uuid4().hex
    async with visitor.passing(offer.office.slug, "waiting_list", key, email=body.email) as passed:

        async def act() -> EntryView:
            await passed.spend(tx)
            return EntryView(entry_id=await usecases.join(desk, tx, offer, body.entry(length), now), since=now)

        scope = f"wait:{offer.office.slug}"
        return await once(tx, scope=scope, key=key, request=body, now=now, answer=EntryView, act=act)


@router.get("/waiting")
async def get_listed(desk: TheDesk, tx: Tx, now: Now, listed: TheListed) -> ListedView:
    """What I wait for, without an appointment, and how it stands. Looking changes nothing."""
    return await _listed(desk, tx, listed, now)


@router.get("/waiting/data")
async def get_listed_data(desk: TheDesk, tx: Tx, now: Now, listed: TheListed, response: Response) -> privacy.ListedData:
    """Everything that is stored about who waits without an appointment, and who else keeps what (GDPR Art. 15)."""
    response.headers["Content-Disposition"] = 'attachment; filename="data.json"'
    return await privacy.data_of(tx, offers.find(desk.offers, listed.office), listed, now)


@router.post("/waiting/departure")
async def leave(desk: TheDesk, tx: Tx, now: Now, listed: TheListed) -> ListedView:
    """I wait no longer: name and address are erased, what is offered goes to the next. Repeating it is no error; who
    has an appointment by now keeps it."""
    await usecases.leave(desk, tx, listed, now)
    return await _listed(desk, tx, listed, now)


async def _listed(desk: Desk, tx: Transaction, listed: Listed, now: datetime) -> ListedView:
    offer = offers.find(desk.offers, listed.office)
    entry = await usecases.listed_of(tx, listed)
    return ListedView.of(entry, offer, usecases.entry_state(entry, now), usecases.waits_until(entry, offer))


@router.get("/offer")
async def get_offer(desk: TheDesk, tx: Tx, now: Now, offeree: TheOfferee) -> OfferView:
    """What is offered, and until when. Looking changes nothing."""
    known = await usecases.offer_of(tx, offeree)
    return OfferView.of(known, offers.find(desk.offers, offeree.office), usecases.state_of(known, now))


@router.post("/offer/acceptance")
async def accept(desk: TheDesk, tx: Tx, now: Now, offeree: TheOfferee) -> BookedView:
    """Take it: the appointment moves, or there is one. The answer has its new link. Repeating it repeats the answer."""

    async def act() -> BookedView:
        return BookedView.of(await usecases.accept(desk, tx, offeree, now))

    # An offer is accepted once, so it is its own key.
    return await once(
        tx, scope="offer", key=str(offeree.sub), request=Acceptance(), now=now, answer=BookedView, act=act
    )


@router.post("/offer/refusal", status_code=204)
async def refuse(desk: TheDesk, tx: Tx, now: Now, offeree: TheOfferee, body: Refusal = _NO) -> None:
    """Not this one: the next in the line gets it. The place in the line stays, unless one leaves the list."""
    await usecases.refuse(desk, tx, offeree, leave_list=body.leave_list, now=now)
