"""Booked appointments that nobody is there for: an edit of the timetable and a blocked time leave them behind."""

from collections.abc import Sequence

from booking.appointments.summaries import Conflict, service_ids
from booking.timetable.model import BusyTime, Schedule
from chassis.database import Row


def conflicts(schedule: Schedule, blocked: Sequence[BusyTime], appointments: Sequence[Row]) -> list[Conflict]:
    """Those of `appointments` (booked, as `appointments.summaries` reads them) that nobody is there for, and why."""
    found = []
    for row in appointments:
        start, end = int(row["starts_at"].timestamp()), int(row["ends_at"].timestamp())
        if reason := schedule.unserved(row["lane"], service_ids(row), start, end, blocked):
            found.append(Conflict.of(row, reason=reason))
    return found
