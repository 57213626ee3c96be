"""The office's week: who is on duty, what is booked, and how full it is. Two statements, whatever lies in it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from booking.appointments.summaries import AppointmentBrief
from booking.clerks import store
from booking.clerks.views import DayOfWeek, LaneOfDay, ProvisionalTime, Stretch, WeekView
from booking.offices.model import BookableOffice
from booking.planning.conflicts import conflicts
from booking.planning.usecases import bounds, owns, sees_reason
from booking.planning.views import BlockedTimeView
from booking.timetable import store as timetables
from booking.timetable.document import Timetable
from booking.timetable.model import Lane, Schedule, Span, minutes, without
from booking.timetable.schedules import holiday_name, schedule
from chassis.database import Row, Transaction
from contracts.actors import Clerk
from contracts.text import Localised


async def week(tx: Transaction, bookable: BookableOffice, day: date, *, clerk: Clerk, now: datetime) -> WeekView:
    """The week in which `day` lies, as `clerk` may see it."""
    monday = day - timedelta(days=day.weekday())
    low, high = bounds(bookable, monday, monday + timedelta(days=6))
    _, timetable = await timetables.timetable_of(tx, bookable.office)
    found = await store.week(tx, bookable.office.slug, low, high, now)
    plan = schedule(bookable.office, timetable)
    to_come = [row for row in found.appointments if row["state"] == "booked" and row["ends_at"] > now]
    return WeekView.model_construct(
        time_zone=bookable.office.time_zone,
        monday=monday,
        days=[_day(bookable, timetable, plan, monday + timedelta(days=ahead), found, clerk) for ahead in range(7)],
        conflicts=conflicts(plan, timetables.busy(found.blocked), to_come),
    )


def _day(
    bookable: BookableOffice, timetable: Timetable, plan: Schedule, day: date, found: store.Week, clerk: Clerk
) -> DayOfWeek:
    low, high = bounds(bookable, day, day)
    appointments = [row for row in found.appointments if low <= row["starts_at"] < high]
    blocked = [row for row in found.blocked if row["starts_at"] < high and row["ends_at"] > low]
    provisional = [row for row in found.provisional if low <= row["starts_at"] < high]
    gone = {row["lane"] for row in (*appointments, *provisional)} - {lane.number for lane in plan.lanes}
    lanes = [*plan.lanes, *(Lane(number) for number in sorted(gone))]
    duty = {lane.number: [] if lane.number in gone else plan.duty(lane, day) for lane in lanes}
    return DayOfWeek.model_construct(
        day=day,
        closed=plan.closed(day),
        note=_note(bookable, timetable, plan, day),
        hours=_stretches(plan.windows(day)),
        lanes=[
            LaneOfDay.model_construct(
                lane=lane.number,
                name=lane.name,
                mine=owns(timetable, lane.number, clerk),
                on_duty=_stretches(duty[lane.number]),
                appointments=[AppointmentBrief.of(row) for row in appointments if row["lane"] == lane.number],
                blocked=[
                    BlockedTimeView.of(row, openly=sees_reason(timetable, lane.number, clerk))
                    for row in blocked
                    if row["lane"] == lane.number
                ],
                provisional=[_provisional(row) for row in provisional if row["lane"] == lane.number],
            )
            for lane in lanes
        ],
        offered_minutes=sum(
            minutes(without(windows, _windows(row for row in blocked if row["lane"] == lane)))
            for lane, windows in duty.items()
        ),
        booked_minutes=minutes(_windows(appointments)),
    )


def _provisional(row: Row) -> ProvisionalTime:
    return {
        "starts_at": row["starts_at"].astimezone(UTC),
        "ends_at": row["ends_at"].astimezone(UTC),
        "confirm_by": row["confirm_by"].astimezone(UTC),
    }


def _windows(rows: Iterable[Row]) -> list[Span]:
    return [(int(row["starts_at"].timestamp()), int(row["ends_at"].timestamp())) for row in rows]


def _stretches(windows: Iterable[Span]) -> list[Stretch]:
    return [
        {"starts_at": datetime.fromtimestamp(low, UTC), "ends_at": datetime.fromtimestamp(high, UTC)}
        for low, high in windows
    ]


def _note(bookable: BookableOffice, timetable: Timetable, plan: Schedule, day: date) -> Localised | None:
    """What the office says about the day, else the name of the holiday."""
    for special in timetable.special_days:
        if special.day == day:
            return special.note
    for closure in timetable.closures:
        if closure.first <= day <= closure.last and closure.reason:
            return closure.reason
    return holiday_name(bookable.office.state, day) if plan.holiday(day) else None
