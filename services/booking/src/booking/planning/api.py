"""The HTTP door to an office's timetable and to its clerks' blocked times."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from booking.access import OwnOffice, TheClerk, TheLead
from booking.fields import Day
from booking.planning import usecases
from booking.planning.views import (
    Blocked,
    BlockedTimes,
    BlockedTimeView,
    BlockRequest,
    TimetableRequest,
    TimetableSaved,
    TimetableView,
)
from booking.timetable import store
from chassis.http import Now, Tx

router = APIRouter(prefix="/office", tags=["timetable"])


@router.get("/timetable")
async def get_timetable(bookable: OwnOffice, tx: Tx) -> TimetableView:
    """The timetable that holds: opening hours, special days, closures, and who is on duty when for which services."""
    return TimetableView.of(*await store.timetable_of(tx, bookable.office))


@router.put("/timetable")
async def save_timetable(
    clerk: TheLead, bookable: OwnOffice, tx: Tx, now: Now, body: TimetableRequest
) -> TimetableSaved:
    """Replace the timetable. 409 `timetable_changed` when somebody else saved since `version`.

    `conflicts` are booked appointments to come that nobody is there for now: they stay until somebody moves them.
    """
    saved = await usecases.save(tx, bookable, body, version=body.version, clerk=clerk, now=now)
    return TimetableSaved.saved(*saved)


@router.get("/blocked-times")
async def list_blocked_times(
    clerk: TheClerk,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    first: Annotated[Day | None, Query(alias="from", description="A day of the office; today if left out.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Included; the same day if left out.")] = None,
) -> BlockedTimes:
    """When which clerk is not there. Why is shown to leads, and to the clerk whose time it is."""
    first = first or now.astimezone(bookable.office.zone).date()
    rows = await usecases.blocked_times(tx, bookable, first, last or first)
    _, timetable = await store.timetable_of(tx, bookable.office)
    return BlockedTimes(
        blocked_times=[
            BlockedTimeView.of(row, openly=usecases.sees_reason(timetable, row["lane"], clerk)) for row in rows
        ]
    )


@router.post("/blocked-times", status_code=201)
async def block(clerk: TheClerk, bookable: OwnOffice, tx: Tx, now: Now, body: BlockRequest) -> Blocked:
    """Block a clerk's time: a lead anybody's, a clerk their own. Repeating it changes nothing.

    `conflicts` are booked appointments that nobody is there for because of it.
    """
    return Blocked.made(*await usecases.block(tx, bookable, body, clerk=clerk, now=now))


@router.delete("/blocked-times/{blocked_id}", status_code=204)
async def unblock(clerk: TheClerk, bookable: OwnOffice, tx: Tx, blocked_id: UUID) -> None:
    """The clerk is there after all."""
    await usecases.unblock(tx, bookable, blocked_id, clerk=clerk)
