"""Moving all appointments of a clerk who is not there: each in a transaction of its own.

Interrupted in the middle, every appointment was moved once or is untouched, and repeating the request (with the same
Idempotency-Key) goes on where it stopped: what is done is noted in the transaction that does it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from booking.appointments import store as appointments
from booking.appointments import summaries, usecases
from booking.appointments.orders import Move
from booking.appointments.store import Place
from booking.appointments.summaries import AppointmentBrief
from booking.clerks import reassignment_plan, store
from booking.clerks.reassignment_plan import Bound, Spot
from booking.clerks.store import Progress
from booking.clerks.views import Left, Moved, MovesRequest, MovesView
from booking.dependencies import Dependencies
from booking.errors import SlotNotOffered, SlotTaken
from booking.offices.model import BookableOffice
from booking.slots import usecases as slots
from booking.slots.model import slot
from booking.slots.usecases import Wish
from booking.timetable import store as timetables
from booking.timetable.model import BusyTime, Schedule
from chassis.database import Database, Row, Transaction
from contracts.actors import Clerk
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)

#: How often somebody else may be faster to the place that was found for an appointment.
_TRIES: Final = 10


@dataclass(frozen=True)
class Run:
    """One request to move a lane's appointments: where, which, by whom, when."""

    deps: Dependencies
    bookable: BookableOffice
    wish: MovesRequest
    clerk: Clerk
    now: datetime


async def preview(tx: Transaction, run: Run) -> MovesView:
    """What `move` would do if nothing changed until then. Changes nothing."""
    wish = run.wish
    rows = await _to_move(tx, run)
    schedule, busy = await _seen(tx, run, wish.low, None)
    own = {BusyTime(wish.lane, bound.start, bound.until) for bound in map(_bound, rows)}
    others = [each for each in busy if each not in own]
    others.append(BusyTime(wish.lane, int(wish.low.timestamp()), int(wish.high.timestamp())))
    plan = reassignment_plan.plan(schedule, [_bound(row) for row in rows], wish.lane, others, run.now)
    return MovesView(
        kept_time=[
            AppointmentBrief.of(row | {"lane": plan.kept[row["id"]].lane}) for row in rows if row["id"] in plan.kept
        ],
        moved=[
            _moved(row, previous=row["starts_at"], starts_at=_instant(plan.moved[row["id"]].start))
            for row in rows
            if row["id"] in plan.moved
        ],
        left=[Left.of(row, reason=plan.left[row["id"]]) for row in rows if row["id"] in plan.left],
    )


async def move(database: Database, run: Run, *, key: str) -> MovesView:
    """Moves the lane's appointments, and blocks the lane for that time so that nobody is booked there again.

    Whoever keeps the time is not told; everybody else gets one BookingRescheduled. Raises IdempotencyMismatch.
    """
    office = run.bookable.office.slug
    scope = f"office-moves:{office}"
    async with database.transaction() as tx:
        progress = await store.begin(tx, scope, key, run.wish, run.now)
        if progress is None:
            rows = await _to_move(tx, run)
            await _block(tx, run)
            progress = Progress(pending=[row["id"] for row in rows])
            await store.note(tx, scope, key, progress)
    for step in (_stay, _elsewhere):
        for appointment_id in list(progress.pending):
            async with database.transaction() as tx:
                progress = await store.progress(tx, scope, key)
                if appointment_id not in progress.pending:
                    continue  # the same request, sent twice, was faster here
                row = await store.locked(tx, office, appointment_id)
                # Who has cancelled or moved in the meantime is settled as well.
                if row is None or not _concerns(row, run.wish) or await step(tx, run, row, progress):
                    progress.pending.remove(appointment_id)
                    await store.note(tx, scope, key, progress)
    log.info(
        "appointments_moved",
        office=office,
        lane=run.wish.lane,
        kept=len(progress.kept),
        moved=len(progress.moved),
        left=len(progress.left),
    )
    async with database.transaction() as tx:
        return await _answer(tx, office, progress)


async def _stay(tx: Transaction, run: Run, row: Row, progress: Progress) -> bool:
    """Gives the appointment to another clerk at the same time, if one is free; whether it is settled."""
    if row["starts_at"] <= run.now:
        return False
    bound = _bound(row)
    for _ in range(_TRIES):
        schedule, busy = await _seen(tx, run, row["starts_at"], row["ends_at"], own=bound.id)
        spot = reassignment_plan.stay(schedule, bound, busy)
        if spot is None:
            return False
        known = run.deps.calendar.schedules.known(run.bookable)
        if known.schedule is not schedule:
            continue  # edited while we looked
        there = slot(spot.start, bound.length)
        place = Place(there, there.ends_at + schedule.buffer, {spot.lane}, known.version)
        id_ = AppointmentId(bound.id)
        if await appointments.move(tx, run.bookable.office.slug, id_, place, new_link=False, now=run.now) is not None:
            progress.kept.append(bound.id)
            return True
    return False


async def _elsewhere(tx: Transaction, run: Run, row: Row, progress: Progress) -> bool:
    """Moves the appointment to the nearest free slot, or notes why it stays: settled in any case."""
    bound = _bound(row)
    for _ in range(_TRIES):
        schedule, busy = await _seen(tx, run, row["starts_at"], None, own=bound.id)
        spot = reassignment_plan.elsewhere(schedule, bound, busy, run.now)
        if not isinstance(spot, Spot):
            progress.left[bound.id] = spot
            return True
        appointment = await appointments.appointment(tx, run.bookable.office.slug, AppointmentId(bound.id), lock=True)
        assert appointment is not None, "its row is ours"
        try:
            await usecases.move(
                run.deps,
                tx,
                run.bookable,
                appointment,
                Move(
                    _instant(spot.start),
                    by="office",
                    actor=run.clerk.name,
                    lanes=frozenset({spot.lane}),
                    give_back=False,
                ),
                [],
                run.now,
            )
        except (SlotTaken, SlotNotOffered):
            continue  # somebody was faster, or the timetable was edited: look again
        progress.moved[bound.id] = (row["starts_at"], _instant(spot.start))
        return True
    progress.left[bound.id] = "no_room"
    return True


async def _to_move(tx: Transaction, run: Run) -> list[Row]:
    wish = run.wish
    return await summaries.to_come(tx, run.bookable.office.slug, run.now, lane=wish.lane, low=wish.low, high=wish.high)


def _concerns(row: Row, wish: MovesRequest) -> bool:
    return bool(
        row["state"] == "booked"
        and row["lane"] == wish.lane
        and row["starts_at"] < wish.high
        and row["ends_at"] > wish.low
    )


async def _block(tx: Transaction, run: Run) -> None:
    """Unless it is blocked already (a lead tells first why), or nobody's lane any more."""
    office, wish = run.bookable.office, run.wish
    _, timetable = await timetables.timetable_of(tx, office)
    blocked = await timetables.blocked_times(tx, office.slug, low=wish.low, high=wish.high)
    covered = any(
        row["lane"] == wish.lane and row["starts_at"] <= wish.low and row["ends_at"] >= wish.high for row in blocked
    )
    if covered or wish.lane not in {entry.lane for entry in timetable.clerks}:
        return
    await timetables.block(
        tx,
        office.slug,
        uuid4(),
        timetables.Blocked(wish.lane, wish.low, wish.high, "other", None),
        by=run.clerk.name,
        now=run.now,
    )


async def _seen(
    tx: Transaction, run: Run, low: datetime, high: datetime | None, *, own: UUID | None = None
) -> tuple[Schedule, list[BusyTime]]:
    """What is taken from `low` to `high` (None: from now to the horizon), by holds of citizens who are typing too."""
    calendar = run.deps.calendar
    if high is None:
        low = min(low, run.now) - timedelta(days=1)
        high = run.now + calendar.schedules.known(run.bookable).schedule.horizon + timedelta(days=2)
    wish = Wish((), timedelta(0), own_appointment=None if own is None else AppointmentId(own))
    schedule, busy = await slots.read(calendar, tx, run.bookable, low, high, wish, run.now)
    holds = await slots.holds_at(calendar, run.bookable, low, high - low)
    return schedule, [*busy, *(held.busy for held in holds)]


async def _answer(tx: Transaction, office: str, progress: Progress) -> MovesView:
    ids = [*progress.kept, *progress.moved, *progress.left]
    rows = {row["id"]: row for row in await store.briefs_of(tx, office, ids)}
    moved = [_moved(rows[id_], previous=was, starts_at=is_) for id_, (was, is_) in progress.moved.items()]
    left = [Left.of(rows[id_], reason=reason) for id_, reason in progress.left.items()]
    return MovesView(
        kept_time=[AppointmentBrief.of(rows[id_]) for id_ in progress.kept],
        moved=sorted(moved, key=lambda each: each.previous),
        left=sorted(left, key=lambda each: each.starts_at),
    )


def _moved(row: Row, *, previous: datetime, starts_at: datetime) -> Moved:
    return Moved(
        appointment_id=row["id"],
        reference=row["reference"],
        previous=previous.astimezone(UTC),
        starts_at=starts_at.astimezone(UTC),
    )


def _bound(row: Row) -> Bound:
    start, end, until = (int(row[name].timestamp()) for name in ("starts_at", "ends_at", "until"))
    return Bound(row["id"], tuple(summaries.service_ids(row)), start, end, until)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
