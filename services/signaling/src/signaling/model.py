"""The rules of rooms and of waiting: plain Python, no framework, no clock."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, Literal
from uuid import UUID

from chassis.problems import Problem

State = Literal["open", "completed", "aborted", "cancelled"]
Ending = Literal["completed", "aborted", "cancelled"]

#: The generation of no link: nothing that is still on its way comes after it.
NEWEST_GENERATION: Final = 2**31 - 1

#: Fewer finished calls than this say nothing about how long the next one takes.
ENOUGH_CALLS: Final = 3
#: A call that has outlasted the usual one is assumed to take at least this much longer.
_OVERRUN_SECONDS: Final = 60.0


class LinkExpired(Problem):
    code, status, title = "link_expired", 410, "This link is no longer valid"


class RoomClosed(Problem):
    code, status, title = "room_closed", 409, "This appointment is over"


class RoomNotReady(Problem):
    code, status, title = "room_not_ready", 503, "The room is being prepared"


class TooEarly(Problem):
    code, status, title = "too_early", 409, "The waiting room is not open yet"


class NobodyWaiting(Problem):
    code, status, title = "nobody_waiting", 409, "The person is not in the waiting room"


class Unavailable(Problem):
    code, status, title = "unavailable", 503, "The waiting room cannot be reached at the moment"


@dataclass(frozen=True, slots=True)
class Room:
    """The room of one appointment. `link_generation` is the citizen's current link's; 0 before it is known."""

    appointment_id: UUID
    office: str
    starts_at: datetime
    ends_at: datetime
    link_generation: int
    state: State
    stage: str | None
    revision: int | None
    admitted: bool

    def require_open(self) -> None:
        """Raises LinkExpired after a cancellation, RoomClosed after the end of the case; both tell the `state`."""
        if self.state == "cancelled":
            raise LinkExpired("The appointment was cancelled.", state=self.state)
        if self.state != "open":
            raise RoomClosed("Everything is finished; the room is closed.", state=self.state)

    def require_link(self, generation: int) -> None:
        """Raises LinkExpired for the link of a cancelled appointment, or one older than the newest mail's.

        A newer one than is known is genuine (booking signed it) and ahead of booking's event: RoomNotReady.
        """
        if self.state == "cancelled" or generation < self.link_generation:
            raise LinkExpired("The appointment was cancelled or changed; please use the link of the newest e-mail.")
        if generation > self.link_generation:
            raise RoomNotReady("Please try again in a second.", headers={"Retry-After": "1"})

    def require_begun(self, now: datetime, join_early: timedelta) -> None:
        """Raises TooEarly (with `joinable_from`) before the waiting room opens."""
        opens = self.starts_at - join_early
        if now < opens:
            raise TooEarly(joinable_from=opens.isoformat().replace("+00:00", "Z"))


@dataclass(frozen=True, slots=True)
class Guest:
    """A citizen in a waiting room or in a call."""

    appointment_id: UUID
    since: datetime
    starts_at: datetime
    admitted: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """What an office is doing: running calls by clerk, with the seconds they have lasted, and recent calls' lengths."""

    running: tuple[tuple[UUID | None, float], ...]
    finished_seconds: tuple[float, ...]

    @property
    def typical_seconds(self) -> float | None:
        """How long a call takes here, from calls that really took place; None while too few did."""
        return median(self.finished_seconds) if len(self.finished_seconds) >= ENOUGH_CALLS else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a waiting citizen may be told: how many come before them, and the seconds until their turn if known."""

    ahead: int
    estimate_seconds: int | None


def outlooks(guests: Sequence[Guest], desk: Desk, idle_clerks: int, now: datetime) -> dict[UUID, Outlook]:
    """The outlook of everybody who waits; earlier appointments have their turn first, then whoever came first.

    The estimate is in whole minutes, and unknown while too few calls have been measured or no clerk is at work.
    Otherwise each clerk takes the next citizen when free, calls take as long as usual, and nobody is taken before the
    appointment begins.
    """
    typical = desk.typical_seconds
    free_in: list[float] = []
    if typical is not None:
        free_in = [0.0] * idle_clerks + [max(typical - elapsed, _OVERRUN_SECONDS) for _, elapsed in desk.running]
        heapq.heapify(free_in)
    found: dict[UUID, Outlook] = {}
    for ahead, guest in enumerate(sorted((one for one in guests if not one.admitted), key=_turn)):
        estimate = None
        if typical is not None and free_in:
            until_start = (guest.starts_at - now).total_seconds()
            estimate = math.ceil(max(free_in[0], until_start) / 60) * 60
            heapq.heapreplace(free_in, free_in[0] + typical)
        found[guest.appointment_id] = Outlook(ahead, estimate)
    return found


def _turn(guest: Guest) -> tuple[datetime, datetime, str]:
    return guest.starts_at, guest.since, str(guest.appointment_id)
