"""The HTTP door to appointments. Whoever acts on one shows its link's token."""

from collections.abc import Mapping, Sequence
from functools import partial

from fastapi import APIRouter, Response

from booking.access import TheCitizen, TheDatabase, TheDesk, TheOffer
from booking.appointments import atonce, calendar, privacy, usecases
from booking.appointments.privacy import PersonalData
from booking.appointments.usecases import Booked, Order
from booking.appointments.views import AppointmentRequest, AppointmentView, BookedView, MoveRequest
from booking.desk import Desk
from booking.limits.door import LIMITED, TheVisitor
from booking.limits.gate import Passed
from booking.offers import model as offers
from booking.offers.model import MAX_LENGTH, Offer, wanted
from booking.slots import usecases as slots
from booking.slots.api import First, Last, OwnHold
from booking.slots.holds import HeldBusy
from booking.slots.usecases import Wish
from booking.slots.views import SlotsView
from booking.tables import Appointment
from booking.waiting import store as waiting
from chassis.eager import begin
from chassis.express import express
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, kept_parameters, known, once
from contracts.actors import Citizen
from contracts.ids import AppointmentId

router = APIRouter(tags=["appointments"])


def _offer(desk: Desk, citizen: Citizen) -> Offer:
    return offers.find(desk.offers, citizen.office)


async def _view(desk: Desk, tx: Tx, appointment: Appointment, now: Now) -> AppointmentView:
    since = await waiting.since_of(tx, appointment.office, appointment.id)
    return AppointmentView.of(appointment, offers.find(desk.offers, appointment.office), now, waiting_since=since)


@router.post("/offices/{office}/appointments", status_code=201, responses=LIMITED)
@express
async def book(
    desk: TheDesk,
    offer: TheOffer,
    database: TheDatabase,
    now: Now,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: AppointmentRequest,
) -> BookedView:
    """Book. Repeating the request with its Idempotency-Key repeats the answer. 409 `slot_taken` names alternatives."""
    order = Order(body.booked(), body.starts_at, body.contact(), needs=body.needed(), hold_id=body.hold_id)
    length = offer.length(wanted(order.services))
    scope = f"book:{offer.office.slug}"

    async def thoroughly(passed: Passed, holds: Sequence[HeldBusy]) -> BookedView:
        async with database.transaction() as tx:

            async def act() -> BookedView:
                await passed.spend(tx)
                return BookedView.of(await usecases.book(desk, tx, offer, order, holds, actor="citizen", now=now))

            return await once(tx, scope=scope, key=key, request=body, now=now, answer=BookedView, act=act)

    def keep(booked: Booked) -> Mapping[str, object]:
        return kept_parameters(scope, key, body, BookedView.of(booked))

    # Redis is asked before the database gives a connection: a slow Redis must not keep it waiting.
    looking = begin(slots.holds_at(desk.calendar, offer, order.starts_at, length))
    async with visitor.passing(offer.office.slug, "booking", key, email=body.email) as passed:
        holds = await looking
        done = None
        if not passed.proof:
            repeated = partial(known, scope=scope, key=key)
            done = await atonce.book(desk, database, offer, order, holds, keep, repeated, now=now)
        booked = BookedView.of(done) if done else await thoroughly(passed, holds)
    if body.hold_id:
        desk.calendar.holds.release_soon(offer.office.slug, body.hold_id)
    return booked


@router.get("/appointment")
async def get_appointment(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> AppointmentView:
    """The appointment that the link leads to. Looking changes nothing."""
    return await _view(desk, tx, await usecases.appointment_of(tx, citizen), now)


@router.post("/appointment/cancellation")
async def cancel(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> AppointmentView:
    """Cancel. The link is dead: 410 `link_expired` from now on."""
    return await _view(desk, tx, await usecases.cancel(desk, tx, citizen, now), now)


@router.get("/appointment/slots")
async def list_slots(
    desk: TheDesk,
    tx: Tx,
    now: Now,
    citizen: TheCitizen,
    first: First = None,
    last: Last = None,
    own_hold: OwnHold = None,
) -> SlotsView:
    """Free slots to which the appointment can move, as long as it is; its own time does not count as taken."""
    offer = _offer(desk, citizen)
    appointment = await usecases.appointment_of(tx, citizen)
    services = tuple(service.service_id for service in usecases.booked_services(appointment))
    length = appointment.ends_at - appointment.starts_at
    wish = Wish(services, length, own_hold=own_hold, own_appointment=AppointmentId(appointment.id))
    first = first or now.astimezone(offer.office.zone).date()
    found = await slots.free_slots(desk.calendar, tx, offer, wish, (first, last or first), now=now)
    return SlotsView.of(offer, length, found)


@router.post("/appointment/rescheduling")
async def move(
    desk: TheDesk,
    tx: Tx,
    now: Now,
    citizen: TheCitizen,
    key: IdempotencyKey,
    body: MoveRequest,
) -> BookedView:
    """Move to another time. The answer has the new link, which is mailed too; the old one is dead."""
    offer = _offer(desk, citizen)
    holds = await slots.holds_at(desk.calendar, offer, body.starts_at, MAX_LENGTH)

    async def act() -> BookedView:
        appointment = await usecases.appointment_of(tx, citizen, lock=True)
        return BookedView.of(
            await usecases.move(
                desk,
                tx,
                offer,
                appointment,
                body.starts_at,
                holds,
                hold_id=body.hold_id,
                by="citizen",
                actor=citizen.name,
                now=now,
            )
        )

    moved = await once(tx, scope=f"move:{citizen.sub}", key=key, request=body, now=now, answer=BookedView, act=act)
    if body.hold_id:
        desk.calendar.holds.release_soon(offer.office.slug, body.hold_id)
    return moved


@router.get("/appointment/calendar", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
async def get_calendar(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> Response:
    """The appointment as a calendar entry (RFC 5545), the same entry as the one in the mail."""
    offer = _offer(desk, citizen)
    entry = calendar.entry(await usecases.appointment_of(tx, citizen), offer, now)
    return Response(
        entry, media_type="text/calendar", headers={"Content-Disposition": 'attachment; filename="appointment.ics"'}
    )


@router.get("/appointment/data")
async def get_data(desk: TheDesk, tx: Tx, citizen: TheCitizen, response: Response) -> PersonalData:
    """Everything that is stored about the citizen here, and who else keeps what (GDPR Art. 15)."""
    response.headers["Content-Disposition"] = 'attachment; filename="data.json"'
    appointment = await usecases.appointment_of(tx, citizen)
    since = await waiting.since_of(tx, appointment.office, appointment.id)
    return privacy.data_of(appointment, _offer(desk, citizen), since)


@router.post("/appointment/erasure", status_code=204)
async def erase(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> None:
    """Erase what is stored about the citizen (GDPR Art. 17). An appointment to come is cancelled first."""
    await privacy.erase(desk, tx, await usecases.appointment_of(tx, citizen, lock=True), actor=citizen.name, now=now)
