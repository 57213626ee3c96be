"""The HTTP door to free slots and holds."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response

from booking.access import TheDatabase, TheDependencies, TheOffice
from booking.dependencies import Dependencies
from booking.fields import MAX_SERVICES, ServiceCount, wanted
from booking.limits.http import LIMITED, TheVisitor
from booking.offices import model as offices
from booking.offices.model import BookableOffice
from booking.slots import usecases
from booking.slots.usecases import Wish
from booking.slots.views import HoldRequest, HoldView, SlotsView, slots_answer
from chassis.database import Database
from chassis.express import express
from chassis.http import Now

router = APIRouter(prefix="/offices/{office}", tags=["slots"])

Services = Annotated[list[ServiceCount], Query(min_length=1, max_length=MAX_SERVICES)]
First = Annotated[date | None, Query(alias="from", description="A day of the office; today if left out.")]
Last = Annotated[date | None, Query(alias="to", description="Included; the same day if left out.")]
OwnHold = Annotated[UUID | None, Query(alias="hold", description="The citizen's own hold: not shown as taken.")]


@router.get("/slots", response_model=SlotsView)
@express
async def list_slots(
    request: Request,
    office: str,
    services: Services,
    first: First = None,
    last: Last = None,
    own_hold: OwnHold = None,
) -> Response:
    """Free slots for all `services` ("id", or "id:persons") in one appointment."""
    # The busiest question of all, and each injected dependency would cost it as much as reckoning twenty slots.
    state = request.app.state
    deps: Dependencies = state.deps
    database: Database = state.database
    bookable, now = offices.find(deps.offices, office), state.clock()
    wish = Wish.of(bookable, wanted(services), own_hold=own_hold)
    first = first or now.astimezone(bookable.office.zone).date()
    async with database.autocommit() as tx:
        starts = await usecases.free_starts(deps.calendar, tx, bookable, wish, (first, last or first), now=now)
    return slots_answer(bookable, wish.length, starts)


@router.post("/holds", status_code=201, responses=LIMITED)
@express
async def place_hold(
    deps: TheDependencies, bookable: TheOffice, database: TheDatabase, now: Now, visitor: TheVisitor, body: HoldRequest
) -> HoldView:
    """Keep a slot for five minutes while the citizen types. Safe to repeat with the same `hold_id`."""
    hold_id = body.hold_id or uuid4()
    wish = Wish.of(bookable, wanted(body.services), own_hold=hold_id)
    toll = visitor.toll(bookable.office.slug, "hold", str(hold_id))
    placed = await usecases.hold(deps.calendar, database, bookable, wish, body.starts_at, toll=toll, now=now)
    return HoldView.of(placed, pause=_pause(deps, bookable))


@router.post("/holds/{hold_id}/extension")
async def extend_hold(deps: TheDependencies, bookable: TheOffice, hold_id: UUID, now: Now) -> HoldView:
    """Keep it for five more minutes from now, twenty in all at most."""
    return HoldView.of(await usecases.extend_hold(deps.calendar, bookable, hold_id, now), pause=_pause(deps, bookable))


@router.delete("/holds/{hold_id}", status_code=204)
async def release_hold(deps: TheDependencies, bookable: TheOffice, visitor: TheVisitor, hold_id: UUID) -> None:
    """Give the slot back."""
    toll = visitor.toll(bookable.office.slug, "hold", str(hold_id))
    await usecases.release_hold(deps.calendar, bookable, hold_id, toll)


def _pause(deps: Dependencies, bookable: BookableOffice) -> timedelta:
    return deps.calendar.schedules.known(bookable).schedule.buffer
