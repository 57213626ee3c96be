"""What leads and clerks do with timetables and blocked times: one function, one transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import structlog

from booking.appointments import summaries
from booking.appointments.summaries import Conflict
from booking.errors import LaneUnknown, RangeTooLong, RoleMissing, TimetableChanged, TimetableInvalid
from booking.offices.model import BookableOffice
from booking.planning.conflicts import conflicts
from booking.planning.views import BlockRequest
from booking.timetable import store
from booking.timetable.document import StoredTimetable, Timetable, flaws, numbered
from booking.timetable.schedules import schedule
from chassis.database import Row, Transaction
from chassis.problems import FieldError
from contracts.actors import Clerk

log = structlog.get_logger(__name__)

#: Blocked times of so many days are given at once.
MAX_DAYS = 400


async def save(
    tx: Transaction, bookable: BookableOffice, edited: Timetable, *, version: int, clerk: Clerk, now: datetime
) -> tuple[int, Timetable, list[Conflict]]:
    """Stores the timetable that a lead edited; its version, with every new clerk's lane, and what it left behind.

    New clerks get lanes that never were anybody's: appointments and blocked times name lanes. One who was removed may
    come back to theirs. The timetable holds from now on, in every process. Raises TimetableInvalid naming the fields,
    TimetableChanged unless `version` still holds.
    """
    office = bookable.office
    held_version, held = await store.timetable_of(tx, office)
    if held_version != version:
        raise TimetableChanged(held_version)
    first_unused = max(held.next_lane, await store.highest_lane(tx, office.slug) + 1)
    if found := flaws(edited, bookable.services, range(first_unused)):
        raise TimetableInvalid([FieldError(*flaw) for flaw in found])
    new = sum(entry.lane is None for entry in edited.clerks)
    stored = StoredTimetable(
        opening_hours=edited.opening_hours,
        special_days=edited.special_days,
        closures=edited.closures,
        observes_holidays=edited.observes_holidays,
        clerks=numbered(edited.clerks, first_unused),
        next_lane=first_unused + new,
    )
    saved = await store.save(tx, office.slug, stored, expected=version, by=clerk.name, now=now)
    if saved is None:  # somebody else saved between our look and this
        raise TimetableChanged((await store.timetable_of(tx, office))[0])
    booked = await summaries.to_come(tx, office.slug, now)
    blocked = store.busy(await store.blocked_times(tx, office.slug, low=now))
    left = conflicts(schedule(office, stored), blocked, booked)
    log.info("timetable_saved", office=office.slug, version=saved, clerks=len(stored.clerks), conflicts=len(left))
    return saved, stored, left


async def blocked_times(tx: Transaction, bookable: BookableOffice, first: date, last: date) -> list[Row]:
    """The blocked times that touch the office's local days `first` to `last`. Raises RangeTooLong."""
    if not 0 <= (last - first).days < MAX_DAYS:
        raise RangeTooLong(MAX_DAYS)
    low, high = bounds(bookable, first, last)
    return await store.blocked_times(tx, bookable.office.slug, low=low, high=high)


async def block(
    tx: Transaction, bookable: BookableOffice, wish: BlockRequest, *, clerk: Clerk, now: datetime
) -> tuple[Row, list[Conflict]]:
    """Blocks a lane, and tells which appointments nobody is there for because of it.

    Blocking the same time for the same reason again changes nothing. Raises LaneUnknown, RoleMissing.
    """
    office = bookable.office
    _, timetable = await store.timetable_of(tx, office)
    _may_block(timetable, wish.lane, clerk)
    if wish.lane not in {entry.lane for entry in timetable.clerks}:
        raise LaneUnknown
    row = await store.block(
        tx,
        office.slug,
        uuid4(),
        store.Blocked(wish.lane, wish.starts_at, wish.ends_at, wish.reason, wish.note),
        by=clerk.name,
        now=now,
    )
    booked = await summaries.to_come(tx, office.slug, now, lane=wish.lane, low=wish.starts_at, high=wish.ends_at)
    left = conflicts(schedule(office, timetable), store.busy([row]), booked)
    log.info("lane_blocked", office=office.slug, lane=wish.lane, conflicts=len(left))
    return row, left


async def unblock(tx: Transaction, bookable: BookableOffice, blocked_id: UUID, *, clerk: Clerk) -> None:
    """The clerk is there after all. A blocked time that is gone already is no error. Raises RoleMissing."""
    office = bookable.office
    row = await store.blocked_time(tx, office.slug, blocked_id)
    if row is None:
        return
    _, timetable = await store.timetable_of(tx, office)
    _may_block(timetable, row["lane"], clerk)
    await store.unblock(tx, office.slug, blocked_id)
    log.info("lane_unblocked", office=office.slug, lane=row["lane"])


def sees_reason(timetable: Timetable, lane: int, clerk: Clerk) -> bool:
    """Whether `clerk` may know why a lane is blocked: that a colleague is ill is no business of the others."""
    return clerk.role != "clerk" or owns(timetable, lane, clerk)


def owns(timetable: Timetable, lane: int, clerk: Clerk) -> bool:
    """Whether a lane is the one that `clerk` works at."""
    return any(entry.lane == lane and entry.clerk_id == clerk.sub for entry in timetable.clerks)


def bounds(bookable: BookableOffice, first: date, last: date) -> tuple[datetime, datetime]:
    """The instants at which the office's local day `first` begins and `last` ends."""
    low, high = (
        datetime(day.year, day.month, day.day, tzinfo=bookable.office.zone).astimezone(UTC)
        for day in (first, last + timedelta(days=1))
    )
    return low, high


def _may_block(timetable: Timetable, lane: int, clerk: Clerk) -> None:
    own: Sequence[int | None] = [entry.lane for entry in timetable.clerks if entry.clerk_id == clerk.sub]
    if clerk.role == "clerk" and lane not in own:
        raise RoleMissing("You can block your own time. For others', please ask a lead of your office.")
