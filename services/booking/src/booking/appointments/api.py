"""The HTTP door to appointments. Whoever acts on one shows its link's token."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from uuid import uuid4

from fastapi import APIRouter, Response

from booking.access import TheCitizen, TheDatabase, TheDependencies, TheOffice
from booking.appointments import calendar, contact, model, privacy, reminders, single_statement, store, usecases
from booking.appointments.links import Booked, as_it_is
from booking.appointments.orders import Move, Order
from booking.appointments.privacy import PersonalData
from booking.appointments.views import (
    AppointmentRequest,
    AppointmentView,
    BookedView,
    ContactRequest,
    MoveRequest,
)
from booking.dependencies import Dependencies
from booking.entries import store as waiting
from booking.limits.gate import Passed, Visitor
from booking.limits.http import LIMITED, TheVisitor
from booking.limits.model import Action
from booking.offices import model as offices
from booking.offices.model import MAX_LENGTH, BookableOffice, wanted_of
from booking.slots import usecases as slots
from booking.slots.api import First, Last, OwnHold
from booking.slots.holds import HeldBusy
from booking.slots.views import HoldView, SlotsView
from booking.tables import Appointment
from chassis.database import Transaction
from chassis.express import express
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, kept_parameters, known, once
from contracts.actors import Citizen

router = APIRouter(tags=["appointments"])


def _offer(deps: Dependencies, citizen: Citizen) -> BookableOffice:
    return offices.find(deps.offices, citizen.office)


async def _view(deps: Dependencies, tx: Tx, appointment: Appointment, now: Now) -> AppointmentView:
    since = await waiting.since_of(tx, appointment.office, appointment.id)
    return AppointmentView.of(appointment, offices.find(deps.offices, appointment.office), now, waiting_since=since)


@asynccontextmanager
async def _cancelling(visitor: Visitor, citizen: Citizen, tx: Transaction) -> AsyncIterator[Passed]:
    """The gate before what gives a slot back. It refuses nobody; who was written to enough is told no more."""
    found = await store.appointment_of(tx, citizen)
    email = found.email if found and not found.erased_at else None
    async with visitor.passing(citizen.office, "cancellation", uuid4().hex, email=email, link=citizen.sub) as passed:
        await passed.spend(tx)
        yield passed


@router.post("/offices/{office}/appointments", status_code=201, responses=LIMITED)
@express
async def book(
    deps: TheDependencies,
    bookable: TheOffice,
    database: TheDatabase,
    now: Now,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: AppointmentRequest,
) -> BookedView:
    """Book. Repeating the request with its Idempotency-Key repeats the answer. 409 `slot_taken` names alternatives.

    Where the office has addresses confirmed, the answer has `confirm_by`, and `link` leads to the page that says so.
    """
    order = Order(
        body.booked(),
        body.starts_at,
        body.contact(),
        needs=body.needed(),
        hold_id=body.hold_id,
        confirm_by=model.confirm_by(body.starts_at, now) if bookable.office.booking.confirm_email else None,
    )
    length = bookable.length(wanted_of(order.services))
    scope = f"book:{bookable.office.slug}"

    async def thoroughly(passed: Passed, holds: Sequence[HeldBusy]) -> BookedView:
        async with database.transaction() as tx:

            async def act() -> BookedView:
                passed.owes(await usecases.beyond_usual(tx, bookable, body.email, now))
                await passed.spend(tx)
                return BookedView.of(await usecases.book(deps, tx, bookable, order, holds, actor="citizen", now=now))

            return await once(tx, scope=scope, key=key, request=body, now=now, answer=BookedView, act=act)

    def keep(booked: Booked) -> Mapping[str, object]:
        return kept_parameters(scope, key, body, BookedView.of(booked))

    async with visitor.passing(bookable.office.slug, "booking", key, email=body.email) as passed:
        # Redis is asked before the database gives a connection: a slow Redis must not keep it waiting.
        holds = await slots.holds_at(deps.calendar, bookable, order.starts_at, length)
        done = None
        if not passed.proof:
            repeated = partial(known, scope=scope, key=key)
            done = await single_statement.book(
                deps, database, bookable, order, holds, single_statement.Once(keep, repeated), now=now
            )
        booked = BookedView.of(done) if done else await thoroughly(passed, holds)
    if body.hold_id:
        deps.calendar.holds.release_soon(bookable.office.slug, body.hold_id)
    return booked


@router.get("/appointment")
async def get_appointment(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen) -> AppointmentView:
    """The appointment that the link leads to. Looking changes nothing."""
    return await _view(deps, tx, await usecases.appointment_of(tx, citizen), now)


@router.post("/appointment/cancellation", responses=LIMITED)
async def cancel(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor) -> AppointmentView:
    """Cancel. The link is dead: 410 `link_expired` from now on."""
    async with _cancelling(visitor, citizen, tx) as passed:
        cancelled = await usecases.cancel(deps, tx, citizen, now, quiet=not passed.may_be_told)
        return await _view(deps, tx, cancelled, now)


@router.get("/appointment/slots")
async def list_slots(
    deps: TheDependencies,
    tx: Tx,
    now: Now,
    citizen: TheCitizen,
    first: First = None,
    last: Last = None,
    own_hold: OwnHold = None,
) -> SlotsView:
    """Free slots to which the appointment can move, as long as it is; its own time does not count as taken."""
    offer = _offer(deps, citizen)
    wish = usecases.wish_to_move(await usecases.appointment_of(tx, citizen), own_hold)
    first = first or now.astimezone(offer.office.zone).date()
    found = await slots.free_slots(deps.calendar, tx, offer, wish, (first, last or first), now=now)
    return SlotsView.of(offer, wish.length, found)


@router.post("/appointment/holds", status_code=201, responses=LIMITED)
async def hold(
    deps: TheDependencies, database: TheDatabase, now: Now, citizen: TheCitizen, visitor: TheVisitor, body: MoveRequest
) -> HoldView:
    """Keep a slot to move to, as one to book is kept; the appointment's own time does not count as taken."""
    offer = _offer(deps, citizen)
    hold_id = body.hold_id or uuid4()
    async with database.transaction() as tx:
        wish = await usecases.wish_to_hold(tx, citizen, hold_id, now)
    toll = visitor.toll(citizen.office, "hold", str(hold_id))
    placed = await slots.hold(deps.calendar, database, offer, wish, body.starts_at, toll=toll, now=now)
    return HoldView.of(placed, pause=deps.calendar.schedules.known(offer).schedule.buffer)


@router.post("/appointment/rescheduling", responses=LIMITED)
async def move(
    deps: TheDependencies,
    database: TheDatabase,
    now: Now,
    citizen: TheCitizen,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: MoveRequest,
) -> BookedView:
    """Move to another time. The answer has the new link, which is mailed too; the old one is dead.

    Moving to the time that it has changes nothing.
    """
    offer = _offer(deps, citizen)
    holds = await slots.holds_at(deps.calendar, offer, body.starts_at, MAX_LENGTH)
    async with database.transaction() as tx:
        found = await store.appointment_of(tx, citizen)
        email = found.email if found and not found.erased_at else None
        stays = usecases.stays(found, citizen, body.starts_at, now)
        moved = BookedView.of(as_it_is(deps, offer, found, now)) if found and stays else None
    if moved is None:
        async with (
            visitor.passing(citizen.office, "move", key, email=email, link=citizen.sub) as passed,
            database.transaction() as tx,
        ):

            async def act() -> BookedView:
                await passed.spend(tx)
                appointment = await usecases.appointment_of(tx, citizen, lock=True)
                return BookedView.of(
                    await usecases.move(
                        deps,
                        tx,
                        offer,
                        appointment,
                        Move(body.starts_at, by="citizen", actor=citizen.name, hold_id=body.hold_id),
                        holds,
                        now,
                    )
                )

            scope = f"move:{citizen.sub}"
            moved = await once(tx, scope=scope, key=key, request=body, now=now, answer=BookedView, act=act)
    if body.hold_id:
        deps.calendar.holds.release_soon(offer.office.slug, body.hold_id)
    return moved


@router.post("/appointment/contact", responses=LIMITED)
async def correct(
    deps: TheDependencies,
    database: TheDatabase,
    now: Now,
    citizen: TheCitizen,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: ContactRequest,
) -> BookedView:
    """Correct the address. The link is mailed anew to it, and is in the answer; every one before is dead."""
    offer = _offer(deps, citizen)
    async with (
        visitor.passing(citizen.office, "correction", key, email=body.email, link=citizen.sub) as passed,
        database.transaction() as tx,
    ):

        async def act() -> BookedView:
            await passed.spend(tx)
            return BookedView.of(await contact.correct(deps, tx, offer, citizen, body.contact(), passed.owes, now))

        scope = f"contact:{citizen.sub}"
        return await once(tx, scope=scope, key=key, request=body, now=now, answer=BookedView, act=act)


@router.put("/appointment/reminders", responses=LIMITED)
async def remind(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor) -> AppointmentView:
    """Remind me of this appointment again. Who is reminded anyway changes nothing."""
    return await _choose_reminders(deps, tx, now, citizen, visitor, wanted=True)


@router.delete("/appointment/reminders", responses=LIMITED)
async def decline_reminders(
    deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor
) -> AppointmentView:
    """No more reminders of this appointment, by mail or short message, wherever it moves. Repeating it is no error."""
    return await _choose_reminders(deps, tx, now, citizen, visitor, wanted=False)


async def _choose_reminders(
    deps: Dependencies, tx: Transaction, now: datetime, citizen: Citizen, visitor: Visitor, *, wanted: bool
) -> AppointmentView:
    what: Action = "answer" if wanted else "departure"
    async with visitor.passing(citizen.office, what, uuid4().hex, link=citizen.sub) as passed:
        await passed.spend(tx)
        return await _view(deps, tx, await reminders.choose(tx, citizen, wanted=wanted), now)


@router.get("/appointment/calendar", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
async def get_calendar(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen) -> Response:
    """The appointment as a calendar entry (RFC 5545), the same entry as the one in the mail."""
    offer = _offer(deps, citizen)
    entry = calendar.entry(deps, await usecases.appointment_of(tx, citizen), offer, now)
    return Response(
        entry, media_type="text/calendar", headers={"Content-Disposition": 'attachment; filename="appointment.ics"'}
    )


@router.get("/appointment/data")
async def get_data(deps: TheDependencies, tx: Tx, citizen: TheCitizen, response: Response) -> PersonalData:
    """Everything that is stored about the citizen here, and who else keeps what (GDPR Art. 15)."""
    response.headers["Content-Disposition"] = 'attachment; filename="data.json"'
    appointment = await usecases.appointment_of(tx, citizen)
    since = await waiting.since_of(tx, appointment.office, appointment.id)
    return privacy.data_of(appointment, _offer(deps, citizen), since)


@router.post("/appointment/erasure", status_code=204, responses=LIMITED)
async def erase(deps: TheDependencies, tx: Tx, now: Now, citizen: TheCitizen, visitor: TheVisitor) -> None:
    """Erase what is stored about the citizen (GDPR Art. 17). An appointment to come is cancelled first."""
    async with _cancelling(visitor, citizen, tx) as passed:
        appointment = await usecases.appointment_of(tx, citizen, lock=True)
        quiet = not passed.may_be_told
        await privacy.erase(deps, tx, appointment, actor=citizen.name, now=now, quiet=quiet)
