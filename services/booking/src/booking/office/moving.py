"""Moving all appointments of a clerk who is not there: each in a transaction of its own.

Interrupted in the middle, every appointment was moved once or is untouched, and repeating the request (with the same
Idempotency-Key) goes on where it stopped: what is done is noted in the transaction that does it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from booking.appointments import store as appointments
from booking.appointments import usecases
from booking.appointments.store import Place
from booking.desk import Desk
from booking.errors import SlotNotOffered, SlotTaken
from booking.offers.model import Offer
from booking.office import briefs, moves, store
from booking.office.briefs import AppointmentBrief
from booking.office.moves import Bound, Spot
from booking.office.store import Progress
from booking.office.views import Left, Moved, MovesRequest, MovesView
from booking.slots import usecases as slots
from booking.slots.model import slot
from booking.slots.usecases import Wish
from booking.timetable import store as timetables
from booking.timetable.model import Busy, Schedule
from chassis.database import Database, Row, Transaction
from contracts.actors import Clerk
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)

#: How often somebody else may be faster to the place that was found for an appointment.
_TRIES: Final = 10


async def preview(desk: Desk, tx: Transaction, offer: Offer, wish: MovesRequest, *, now: datetime) -> MovesView:
    """What `move` would do if nothing changed until then. Changes nothing."""
    rows = await _to_move(tx, offer, wish, now)
    schedule, busy = await _seen(desk, tx, offer, wish.low, None, now)
    own = {Busy(wish.lane, bound.start, bound.until) for bound in map(_bound, rows)}
    others = [each for each in busy if each not in own]
    others.append(Busy(wish.lane, int(wish.low.timestamp()), int(wish.high.timestamp())))
    plan = moves.plan(schedule, [_bound(row) for row in rows], wish.lane, others, now)
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


async def move(
    desk: Desk, database: Database, offer: Offer, wish: MovesRequest, *, key: str, clerk: Clerk, now: datetime
) -> MovesView:
    """Moves the appointments of `wish.lane`, and blocks the lane for that time so that nobody is booked there again.

    Whoever keeps the time is not told; everybody else gets one BookingRescheduled. Raises IdempotencyMismatch.
    """
    office = offer.office.slug
    scope = f"office-moves:{office}"
    async with database.transaction() as tx:
        progress = await store.begin(tx, scope, key, wish, now)
        if progress is None:
            rows = await _to_move(tx, offer, wish, now)
            await _block(tx, offer, wish, clerk, now)
            progress = Progress(pending=[row["id"] for row in rows])
            await store.note(tx, scope, key, progress)
    for step in (_stay, _elsewhere):
        for appointment_id in list(progress.pending):
            async with database.transaction() as tx:
                progress = await store.progress(tx, scope, key)
                if appointment_id not in progress.pending:
                    continue  # the same request, sent twice, was faster here
                if await step(desk, tx, offer, wish, appointment_id, progress, clerk, now):
                    progress.pending.remove(appointment_id)
                    await store.note(tx, scope, key, progress)
    log.info(
        "appointments_moved",
        office=office,
        lane=wish.lane,
        kept=len(progress.kept),
        moved=len(progress.moved),
        left=len(progress.left),
    )
    async with database.transaction() as tx:
        return await _answer(tx, office, progress)


async def _stay(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    wish: MovesRequest,
    appointment_id: UUID,
    progress: Progress,
    clerk: Clerk,
    now: datetime,
) -> bool:
    """Gives the appointment to another clerk at the same time, if one is free; whether it is settled."""
    row = await store.locked(tx, offer.office.slug, appointment_id)
    if row is None or not _concerns(row, wish):
        return True  # cancelled or moved by the citizen in the meantime
    if row["starts_at"] <= now:
        return False
    bound = _bound(row)
    for _ in range(_TRIES):
        schedule, busy = await _seen(desk, tx, offer, row["starts_at"], row["ends_at"], now, own=appointment_id)
        spot = moves.stay(schedule, bound, busy)
        if spot is None:
            return False
        known = desk.calendar.schedules.known(offer)
        if known.schedule is not schedule:
            continue  # edited while we looked
        there = slot(spot.start, bound.length)
        place = Place(there, there.ends_at + schedule.buffer, {spot.lane}, known.version)
        id_ = AppointmentId(appointment_id)
        if await appointments.move(tx, offer.office.slug, id_, place, new_link=False, now=now) is not None:
            progress.kept.append(appointment_id)
            return True
    return False


async def _elsewhere(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    wish: MovesRequest,
    appointment_id: UUID,
    progress: Progress,
    clerk: Clerk,
    now: datetime,
) -> bool:
    """Moves the appointment to the nearest free slot, or notes why it stays."""
    row = await store.locked(tx, offer.office.slug, appointment_id)
    if row is None or not _concerns(row, wish):
        return True
    bound = _bound(row)
    for _ in range(_TRIES):
        schedule, busy = await _seen(desk, tx, offer, row["starts_at"], None, now, own=appointment_id)
        spot = moves.elsewhere(schedule, bound, busy, now)
        if not isinstance(spot, Spot):
            progress.left[appointment_id] = spot
            return True
        appointment = await appointments.appointment(tx, offer.office.slug, AppointmentId(appointment_id), lock=True)
        assert appointment is not None, "its row is ours"
        try:
            await usecases.move(
                desk,
                tx,
                offer,
                appointment,
                _instant(spot.start),
                [],
                by="office",
                actor=clerk.name,
                now=now,
                lanes=frozenset({spot.lane}),
                give_back=False,
            )
        except (SlotTaken, SlotNotOffered):
            continue  # somebody was faster, or the timetable was edited: look again
        progress.moved[appointment_id] = (row["starts_at"], _instant(spot.start))
        return True
    progress.left[appointment_id] = "no_room"
    return True


async def _to_move(tx: Transaction, offer: Offer, wish: MovesRequest, now: datetime) -> list[Row]:
    return await briefs.to_come(tx, offer.office.slug, now, lane=wish.lane, low=wish.low, high=wish.high)


def _concerns(row: Row, wish: MovesRequest) -> bool:
    return bool(
        row["state"] == "booked"
        and row["lane"] == wish.lane
        and row["starts_at"] < wish.high
        and row["ends_at"] > wish.low
    )


async def _block(tx: Transaction, offer: Offer, wish: MovesRequest, clerk: Clerk, now: datetime) -> None:
    """Unless it is blocked already (a lead tells first why), or nobody's lane any more."""
    office = offer.office.slug
    _, timetable = await timetables.timetable_of(tx, offer.office)
    blocked = await timetables.blocked_times(tx, office, low=wish.low, high=wish.high)
    covered = any(
        row["lane"] == wish.lane and row["starts_at"] <= wish.low and row["ends_at"] >= wish.high for row in blocked
    )
    if covered or wish.lane not in {entry.lane for entry in timetable.clerks}:
        return
    await timetables.block(
        tx, office, uuid4(), wish.lane, wish.low, wish.high, reason="other", note=None, by=clerk.name, now=now
    )


async def _seen(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    low: datetime,
    high: datetime | None,
    now: datetime,
    *,
    own: UUID | None = None,
) -> tuple[Schedule, list[Busy]]:
    """What is taken from `low` to `high` (None: from now to the horizon), by holds of citizens who are typing too."""
    known = desk.calendar.schedules.known(offer).schedule
    if high is None:
        low = min(low, now) - timedelta(days=1)
        high = now + known.horizon + timedelta(days=2)
    wish = Wish((), timedelta(0), own_appointment=None if own is None else AppointmentId(own))
    schedule, busy = await slots.read(desk.calendar, tx, offer, low, high, wish, now)
    holds = await slots.holds_at(desk.calendar, offer, low, high - low)
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
    return Bound(row["id"], tuple(briefs.service_ids(row)), start, end, until)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
