"""The HTTP door for clerks: their office's week, and acting on behalf of citizens."""

from typing import Annotated

from fastapi import APIRouter, Query

from booking.access import OwnOffer, TheClerk, TheDatabase, TheDesk, TheLead
from booking.appointments import usecases as appointments
from booking.fields import Day, wanted
from booking.offers import model as offers
from booking.office import behalf, moving
from booking.office import week as weeks
from booking.office.briefs import AppointmentBrief
from booking.office.views import (
    MovesRequest,
    MovesView,
    OfficeAppointmentRequest,
    OfficeBooked,
    OfficeMoveRequest,
    WeekView,
)
from booking.slots import usecases as slots
from booking.slots.api import Services
from booking.slots.usecases import Wish
from booking.slots.views import SlotsView
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, once
from contracts.ids import AppointmentId

router = APIRouter(prefix="/office", tags=["office"])

First = Annotated[Day | None, Query(alias="from", description="A day of the office; today if left out.")]
Last = Annotated[Day | None, Query(alias="to", description="Included; the same day if left out.")]


@router.get("/week")
async def get_week(clerk: TheClerk, offer: OwnOffer, tx: Tx, now: Now, day: Day | None = None) -> WeekView:
    """The week in which `day` lies (today, if left out): who is on duty, what is booked, how full it is."""
    return await weeks.week(tx, offer, day or now.astimezone(offer.office.zone).date(), clerk=clerk, now=now)


@router.get("/slots")
async def list_slots(
    desk: TheDesk,
    clerk: TheClerk,
    offer: OwnOffer,
    tx: Tx,
    now: Now,
    services: Services,
    first: First = None,
    last: Last = None,
) -> SlotsView:
    """Free slots as clerks may book them: the next one may begin now."""
    wish = Wish.of(offer, wanted(services))
    first = first or now.astimezone(offer.office.zone).date()
    found = await slots.free_slots(desk.calendar, tx, offer, wish, (first, last or first), now=now, lead=False)
    return SlotsView.of(offer, wish.length, found)


@router.post("/appointments", status_code=201)
async def book(
    desk: TheDesk,
    clerk: TheClerk,
    offer: OwnOffer,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    body: OfficeAppointmentRequest,
) -> OfficeBooked:
    """Book for a citizen, who gets the link by mail. Repeating it with its Idempotency-Key repeats the answer."""
    order = behalf.order(body)
    holds = await slots.holds_at(desk.calendar, offer, order.starts_at, offer.length(offers.wanted(order.services)))

    async def act() -> OfficeBooked:
        return OfficeBooked.of(await appointments.book(desk, tx, offer, order, holds, actor=clerk.name, now=now))

    scope = f"office-book:{clerk.office}:{clerk.sub}"
    return await once(tx, scope=scope, key=key, request=body, now=now, answer=OfficeBooked, act=act)


@router.get("/appointments/{appointment_id}/slots")
async def list_slots_to_move(
    desk: TheDesk,
    clerk: TheClerk,
    offer: OwnOffer,
    tx: Tx,
    now: Now,
    appointment_id: AppointmentId,
    first: First = None,
    last: Last = None,
) -> SlotsView:
    """Free slots to which an appointment can move, as long as it is; its own time does not count as taken."""
    wish = await behalf.wish_to_move(tx, clerk, appointment_id)
    first = first or now.astimezone(offer.office.zone).date()
    found = await slots.free_slots(desk.calendar, tx, offer, wish, (first, last or first), now=now, lead=False)
    return SlotsView.of(offer, wish.length, found)


@router.post("/appointments/{appointment_id}/rescheduling")
async def move(
    desk: TheDesk,
    clerk: TheClerk,
    offer: OwnOffer,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    appointment_id: AppointmentId,
    body: OfficeMoveRequest,
) -> OfficeBooked:
    """Move an appointment; the citizen gets the new link by mail, and the old one is dead."""
    holds = await slots.holds_at(desk.calendar, offer, body.starts_at, offers.MAX_LENGTH)

    async def act() -> OfficeBooked:
        return OfficeBooked.of(await behalf.move(desk, tx, offer, appointment_id, body, holds, clerk=clerk, now=now))

    scope = f"office-move:{clerk.office}:{clerk.sub}:{appointment_id}"
    return await once(tx, scope=scope, key=key, request=body, now=now, answer=OfficeBooked, act=act)


@router.post("/appointments/{appointment_id}/cancellation")
async def cancel(
    desk: TheDesk, clerk: TheClerk, offer: OwnOffer, tx: Tx, now: Now, appointment_id: AppointmentId
) -> AppointmentBrief:
    """Cancel an appointment; the citizen is told by mail. Repeating it changes nothing."""
    cancelled = await behalf.cancel(desk, tx, appointment_id, clerk=clerk, now=now)
    return AppointmentBrief.of(cancelled.model_dump())


@router.post("/appointments/{appointment_id}/no-show")
async def miss(clerk: TheClerk, offer: OwnOffer, tx: Tx, now: Now, appointment_id: AppointmentId) -> AppointmentBrief:
    """The citizen did not come. 409 `too_early` before the office's grace has passed. Repeating it changes nothing."""
    missed = await behalf.miss(tx, offer, appointment_id, clerk=clerk, now=now)
    return AppointmentBrief.of(missed.model_dump())


@router.post("/moves")
async def move_many(
    desk: TheDesk,
    clerk: TheLead,
    offer: OwnOffer,
    database: TheDatabase,
    now: Now,
    key: IdempotencyKey,
    body: MovesRequest,
) -> MovesView:
    """Move the appointments of a clerk who is not there, and block that time.

    Each goes to another clerk at the same time, or else to the nearest free slot, and its citizen is told once. With
    `dry_run` nothing happens: the answer tells what would. Repeating the request goes on where it was interrupted.
    """
    run = moving.Run(desk, offer, body, clerk, now)
    if body.dry_run:
        async with database.transaction() as tx:
            return await moving.preview(tx, run)
    return await moving.move(database, run, key=key)
