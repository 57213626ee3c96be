"""The rules of the waiting list, plain Python: which freed slot suits whom. Instants as in `timetable`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from booking.timetable.model import BusyTime, Schedule

EntryState = Literal["waiting", "offered", "done", "left"]
OfferState = Literal["open", "accepted", "refused", "expired"]

#: An offer that lives shorter than this is not made: nobody reads their mail every minute.
SHORTEST: Final = timedelta(minutes=5)
#: Who lets so many offers in a row pass without a word waits no longer: each costs those behind them hours. The mails
#: `waiting_list` and `waiting_over` say this number. Offers that ended before they had their time do not count.
PATIENCE: Final = 3
#: A slot stays away from the public for so long after its offer has ended, so that the next one is asked first.
HANDOVER: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Freed:
    """A stretch of a lane that was given back, from `start` to `end` (the pause after the appointment included)."""

    lane: int
    start: int
    end: int


@dataclass(frozen=True)
class Seeker:
    """What somebody who waits needs: time for their services, before `before` (their appointment), on these days."""

    services: tuple[str, ...]
    length: timedelta
    before: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None


def first_fit(
    schedule: Schedule, freed: Freed, taken: Sequence[BusyTime], seeker: Seeker, now: datetime
) -> datetime | None:
    """When within `freed` the seeker's appointment could begin, the earliest time; None if it cannot.

    The clerk must be trained for the services and on duty, the office open, and nothing of what is `taken` in the way;
    appointment and pause fit into what was freed. It is strictly earlier than what the seeker has, and early enough
    that they can think about it: the lead time and SHORTEST from now.
    """
    lane = [lane for lane in schedule.serving(seeker.services) if lane.number == freed.lane]
    if not lane:
        return None
    soonest = (now + schedule.lead + SHORTEST).timestamp()
    seconds = int((seeker.length + schedule.buffer).total_seconds())
    for start in _starts(schedule, freed, seeker.length, now):
        if start < soonest:
            continue
        starts_at = datetime.fromtimestamp(start, UTC)
        if start + seconds > freed.end or (seeker.before is not None and starts_at >= seeker.before):
            return None
        day = starts_at.astimezone(schedule.zone).date()
        if (seeker.first_day and day < seeker.first_day) or (seeker.last_day and day > seeker.last_day):
            continue
        if any(busy.lane == freed.lane and busy.start < start + seconds and busy.end > start for busy in taken):
            continue
        if schedule.refusal(starts_at, seeker.length, now, at_once=True):
            continue
        if schedule.on_duty(lane, start, seeker.length):
            return starts_at
    return None


@dataclass(frozen=True)
class Patience:
    """How long somebody has to answer: so long within the hours in which people are awake, by the office's clock."""

    length: timedelta
    hours: tuple[time, time]
    zone: tzinfo

    def ends_at(self, since: datetime) -> datetime:
        """When somebody who is asked at `since` has had their time."""
        left, day = self.length, since.astimezone(self.zone).date()
        while True:
            wakes, sleeps = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in self.hours)
            wakes = max(wakes, since)
            if sleeps - wakes >= left:
                return wakes + left
            left -= max(sleeps - wakes, timedelta())
            day += timedelta(days=1)


def expires_at(starts_at: datetime, now: datetime, *, patience: Patience, lead: timedelta) -> datetime:
    """Until when a slot is kept for the one it is offered to, never into the lead time.

    As long as they need while they are awake; where that cannot be had, as long by the clock: a slot of tomorrow
    morning goes round at night rather than to one alone who sleeps.
    """
    last = starts_at - lead
    awake = patience.ends_at(now)
    return awake if awake <= last else min(now + patience.length, last)


def waits_until(since: datetime, last_day: date | None, *, horizon: timedelta, zone: tzinfo) -> datetime:
    """When waiting without an appointment ends by itself: after the last day asked for, else when the days that the
    office took appointments for have gone by."""
    ends_at = since + horizon
    if last_day is None:
        return ends_at
    return min(ends_at, datetime.combine(last_day + timedelta(days=1), time.min, zone).astimezone(UTC))


def still_wants(by: str, before: datetime, after: datetime) -> bool:
    """Whether somebody whose appointment was moved still waits for an earlier one.

    Not if the waiting list moved it: they have what they waited for. Not if they moved it to a later time themselves.
    """
    return by != "waiting_list" and (by != "citizen" or after < before)


def current_state(state: OfferState, expires_at: datetime, now: datetime, *, wanted: bool) -> OfferState:
    """What became of an offer. One that nobody answered in time is over at once, not when a worker notices.

    `wanted`: whether the slot would still be earlier than what the citizen has.
    """
    return "expired" if state == "open" and (now >= expires_at or not wanted) else state


def _starts(schedule: Schedule, freed: Freed, length: timedelta, now: datetime) -> Sequence[int]:
    """The beginning of the stretch, then the slots that begin within it: an office's grid stays as it is."""
    first, last = (datetime.fromtimestamp(at, schedule.zone).date() for at in (freed.start, freed.end))
    offered = schedule.offered(first, last, length, now)
    return [freed.start, *(start for start in offered if freed.start < start < freed.end)]
