"""The HTTP door for clerks: their office's week, and acting on behalf of citizens."""

from typing import Annotated

from fastapi import APIRouter, Query

from booking.access import OwnOffice, TheClerk, TheDatabase, TheDependencies, TheLead
from booking.appointments import usecases as appointments
from booking.appointments.summaries import AppointmentBrief
from booking.appointments.views import ContactRequest
from booking.clerks import on_behalf, reassignment
from booking.clerks import week as weeks
from booking.clerks.views import (
    AppointmentDetail,
    MovesRequest,
    MovesView,
    OfficeAppointmentRequest,
    OfficeBooked,
    OfficeMoveRequest,
    OfficeSlotsView,
    ResumedView,
    WeekView,
)
from booking.fields import Day, wanted
from booking.offices import model as offices
from booking.slots import usecases as slots
from booking.slots.api import Services
from booking.slots.usecases import Wish
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, once
from contracts.ids import AppointmentId

router = APIRouter(prefix="/office", tags=["office"])

First = Annotated[Day | None, Query(alias="from", description="A day of the office; today if left out.")]
Last = Annotated[Day | None, Query(alias="to", description="Included; the same day if left out.")]


@router.get("/week")
async def get_week(clerk: TheClerk, bookable: OwnOffice, tx: Tx, now: Now, day: Day | None = None) -> WeekView:
    """The week in which `day` lies (today, if left out): who is on duty, what is booked, how full it is."""
    return await weeks.week(tx, bookable, day or now.astimezone(bookable.office.zone).date(), clerk=clerk, now=now)


@router.get("/slots")
async def list_slots(
    deps: TheDependencies,
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    services: Services,
    first: First = None,
    last: Last = None,
) -> OfficeSlotsView:
    """Free slots as clerks may book them: the next one may begin now, and the public may not see it yet."""
    wish = Wish.of(bookable, wanted(services))
    first = first or now.astimezone(bookable.office.zone).date()
    found = await slots.slots_for_clerks(deps.calendar, tx, bookable, wish, (first, last or first), now=now)
    return OfficeSlotsView.of(bookable, wish.length, found)


@router.post("/appointments", status_code=201)
async def book(
    deps: TheDependencies,
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    body: OfficeAppointmentRequest,
) -> OfficeBooked:
    """Book for a citizen, who gets the link by mail. Repeating it with its Idempotency-Key repeats the answer."""
    order = on_behalf.order(body)
    holds = await slots.holds_at(
        deps.calendar, bookable, order.starts_at, bookable.length(offices.wanted_of(order.services))
    )

    async def act() -> OfficeBooked:
        return OfficeBooked.of(await appointments.book(deps, tx, bookable, order, holds, actor=clerk.name, now=now))

    scope = f"office-book:{clerk.office}:{clerk.sub}"
    return await once(tx, scope=scope, key=key, request=body, now=now, answer=OfficeBooked, act=act)


@router.get("/appointments/{appointment_id}")
async def get_appointment(clerk: TheClerk, tx: Tx, appointment_id: AppointmentId) -> AppointmentDetail:
    """One appointment with the citizen's e-mail address and telephone number, for the clerks of its office alone."""
    return AppointmentDetail.detailed(await on_behalf.appointment(tx, clerk, appointment_id))


@router.get("/appointments/{appointment_id}/slots")
async def list_slots_to_move(
    deps: TheDependencies,
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    appointment_id: AppointmentId,
    first: First = None,
    last: Last = None,
) -> OfficeSlotsView:
    """Free slots to which an appointment can move, as long as it is; its own time does not count as taken."""
    wish = appointments.wish_to_move(await on_behalf.appointment(tx, clerk, appointment_id), own_hold=None)
    first = first or now.astimezone(bookable.office.zone).date()
    found = await slots.slots_for_clerks(deps.calendar, tx, bookable, wish, (first, last or first), now=now)
    return OfficeSlotsView.of(bookable, wish.length, found)


@router.post("/appointments/{appointment_id}/rescheduling")
async def move(
    deps: TheDependencies,
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    appointment_id: AppointmentId,
    body: OfficeMoveRequest,
) -> OfficeBooked:
    """Move an appointment; the citizen gets the new link by mail, and the old one is dead."""
    holds = await slots.holds_at(deps.calendar, bookable, body.starts_at, offices.MAX_LENGTH)

    async def act() -> OfficeBooked:
        found = await on_behalf.appointment(tx, clerk, appointment_id, lock=True)
        to = on_behalf.move_to(body, clerk)
        return OfficeBooked.of(await appointments.move(deps, tx, bookable, found, to, holds, now))

    scope = f"office-move:{clerk.office}:{clerk.sub}:{appointment_id}"
    return await once(tx, scope=scope, key=key, request=body, now=now, answer=OfficeBooked, act=act)


@router.post("/appointments/{appointment_id}/contact")
async def correct(
    deps: TheDependencies,
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    appointment_id: AppointmentId,
    body: ContactRequest,
) -> OfficeBooked:
    """Correct a citizen's address: the link, and what was lost before, is mailed there; the old link is dead."""

    async def act() -> OfficeBooked:
        new = body.contact()
        return OfficeBooked.of(await on_behalf.correct(deps, tx, bookable, appointment_id, new, clerk=clerk, now=now))

    scope = f"office-contact:{clerk.office}:{clerk.sub}:{appointment_id}"
    return await once(tx, scope=scope, key=key, request=body, now=now, answer=OfficeBooked, act=act)


@router.post("/appointments/{appointment_id}/cancellation")
async def cancel(
    deps: TheDependencies, clerk: TheClerk, bookable: OwnOffice, tx: Tx, now: Now, appointment_id: AppointmentId
) -> AppointmentBrief:
    """Cancel an appointment; the citizen is told by mail. Repeating it changes nothing."""
    cancelled = await on_behalf.cancel(deps, tx, appointment_id, clerk=clerk, now=now)
    return AppointmentBrief.of(cancelled.model_dump())


@router.post("/appointments/{appointment_id}/no-show")
async def miss(
    clerk: TheClerk, bookable: OwnOffice, tx: Tx, now: Now, appointment_id: AppointmentId
) -> AppointmentBrief:
    """The citizen did not come. 409 `too_early` before the office's grace has passed. Repeating it changes nothing."""
    missed = await on_behalf.miss(tx, bookable, appointment_id, clerk=clerk, now=now)
    return AppointmentBrief.of(missed.model_dump())


@router.post("/appointments/{appointment_id}/resumption")
async def resume(clerk: TheClerk, bookable: OwnOffice, tx: Tx, now: Now, appointment_id: AppointmentId) -> ResumedView:
    """Missed, here now: the room opens again. 409 `not_resumable` on another day. Repeating it changes nothing."""
    resumed, others = await on_behalf.resume(tx, bookable, appointment_id, clerk=clerk, now=now)
    return ResumedView.of(resumed.model_dump(), meanwhile=[AppointmentBrief.of(row) for row in others])


@router.post("/moves")
async def move_many(
    deps: TheDependencies,
    clerk: TheLead,
    bookable: OwnOffice,
    database: TheDatabase,
    now: Now,
    key: IdempotencyKey,
    body: MovesRequest,
) -> MovesView:
    """Move the appointments of a clerk who is not there, and block that time.

    Each goes to another clerk at the same time, or else to the nearest free slot, and its citizen is told once. With
    `dry_run` nothing happens: the answer tells what would. Repeating the request goes on where it was interrupted.
    """
    run = reassignment.Run(deps, bookable, body, clerk, now)
    if body.dry_run:
        async with database.transaction() as tx:
            return await reassignment.preview(tx, run)
    return await reassignment.move(database, run, key=key)
