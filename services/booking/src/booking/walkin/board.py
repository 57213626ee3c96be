"""Reads who is free when: the timetable, who is there, appointments, blocked times, calls that run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice, wanted_of
from booking.slots import store as slots_store
from booking.slots.holds import HeldBusy
from booking.timetable.model import BusyTime, Schedule
from booking.walkin import model, presence
from booking.walkin.durations import Durations
from booking.walkin.model import Board, Open, Party, Running
from booking.walkin.store import Ticket
from chassis.database import Transaction
from chassis.problems import Problem
from contracts.booking import BookedService

# Rows enter the index when a call begins and leave it when the case ends: these are a handful.
RUNNING: Final = """
    SELECT lane, CAST(extract(epoch FROM starts_at) AS bigint) AS start,
           CAST(extract(epoch FROM ends_at) AS bigint) AS "end",
           CAST(extract(epoch FROM call_started_at) AS bigint) AS began, talk_seconds AS talked,
           CAST(services AS text) AS services
      FROM appointment
     WHERE office = :office AND state = 'booked' AND call_started_at IS NOT NULL
       AND call_started_at > CAST(:now AS timestamptz) - interval '12 hours'
"""
# A clerk who has just finished has their pause, whenever that was.
_RESTING: Final = """
    SELECT lane, CAST(extract(epoch FROM changed_at) AS bigint) AS finished
      FROM appointment
     WHERE office = :office AND talk_seconds IS NOT NULL AND state IN ('completed', 'aborted')
       AND starts_at > CAST(:now AS timestamptz) - interval '12 hours' AND changed_at > :since
"""


@dataclass(frozen=True)
class Situation:
    """How things are at an office that is open: the board, and how long services take."""

    board: Board
    schedule: Schedule
    shares: Mapping[str, float]
    start: datetime

    def party(self, bookable: BookableOffice, services: Sequence[BookedService]) -> Party:
        """Somebody who wants `services`. Raises UnknownService, OneAtATime, TooLong."""
        seconds = int(bookable.length(wanted_of(services)).total_seconds())
        names = tuple(service.service_id for service in services)
        return Party(names, seconds, model.expected(names, seconds, self.shares))

    def parties(self, bookable: BookableOffice, tickets: Sequence[Ticket]) -> list[tuple[Ticket, Party]]:
        """The queue. Whose services are not offered any more is left out."""
        found = []
        for ticket in tickets:
            try:
                found.append((ticket, self.party(bookable, ticket.services)))
            except Problem:
                continue
        return found


async def situation(
    deps: Dependencies,
    durations: Durations,
    tx: Transaction,
    bookable: BookableOffice,
    now: datetime,
    *,
    held: Sequence[HeldBusy] = (),
) -> Situation | None:
    """How things are from this minute on; None if the office is closed. Its lanes are those whose clerks are there."""
    schedule = (await deps.calendar.schedules.refresh(tx, bookable)).schedule
    start = now.replace(second=0, microsecond=0)
    at = int(start.timestamp())
    closes = schedule.closes(at)
    if closes is None or closes <= now.timestamp():
        return None
    office = bookable.office.slug
    pause = int(schedule.buffer.total_seconds())
    high = datetime.fromtimestamp(closes, UTC) + schedule.buffer
    # Who is here may have what others have just given back (docs/adr/0012).
    taken = await slots_store.taken(tx, office, start, high, now=now, for_clerks=True)
    shares = await durations.shares(tx, office, now)
    busy = [*taken.busy, *(hold.busy for hold in held)]
    busy = model.busy_now(busy, await _running(tx, office, shares, now), at, pause)
    off_duty = schedule.off_duty(schedule.lanes, at, closes)
    present = await presence.clerks(tx, office, now)
    lanes = model.staffed(schedule.lanes, present, _at(busy, at), _at(off_duty, at))
    busy += off_duty
    if pause:
        rows = await tx.rows(_RESTING, office=office, now=now, since=now - timedelta(seconds=pause))
        busy += [BusyTime(row["lane"], at, row["finished"] + pause) for row in rows]
    return Situation(Board(Open(at, closes, lanes, pause), busy), schedule, shares, start)


def _at(busy: Iterable[BusyTime], at: int) -> set[int]:
    return {lane for lane, start, end in busy if start <= at < end}


async def _running(tx: Transaction, office: str, shares: Mapping[str, float], now: datetime) -> list[Running]:
    found = []
    for row in await tx.rows(RUNNING, office=office, now=now):
        services = [service["service_id"] for service in json.loads(row["services"])]
        expected = model.expected(services, row["end"] - row["start"], shares)
        found.append(Running(row["lane"], row["start"], row["end"], row["began"], expected, row["talked"]))
    return found
