"""The rules of the queue, plain Python: who is served next, by whom, and when it will probably be one's turn.

The same board answers "who is called now?" and "how long will it take?", so that the estimate is what will happen if
everybody takes as long as usual. Instants are seconds since 1970.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from booking.timetable.model import BusyTime, Lane, Span

#: `left`: they went by themselves; `gone`: their page fell silent.
TicketState = Literal["waiting", "called", "left", "gone"]
#: Why nobody can come now.
Unavailable = Literal["closed", "nobody_here", "nobody_free", "switched_off"]

#: The page is heard of every ten seconds. Who is silent for so long has gone.
SILENCE: Final = timedelta(seconds=60)
#: A call that runs over is taken to end in a minute, again and again.
_SOON: Final = 60
#: After the call a clerk finishes the case. If they forget to, the lane is free after this time nevertheless.
_FINISHING: Final = 15 * 60
#: If nobody says that a call has ended, it has after this time.
_ENDLESS: Final = 4 * 3600


class Party(NamedTuple):
    """Somebody in the queue: for which services, how long an appointment is, and how long it will probably take."""

    services: tuple[str, ...]
    seconds: int
    expected: int


class Running(NamedTuple):
    """An appointment whose call has begun and whose case is not finished."""

    lane: int
    start: int
    end: int
    began: int
    expected: int
    talked: int | None


class Seat(NamedTuple):
    """Where and when somebody is served."""

    start: int
    lane: int


@dataclass(frozen=True)
class Open:
    """The office from `now` on: open until `closes`, with `lanes` and a clerk's `pause` after every conversation."""

    now: int
    closes: int
    lanes: tuple[Lane, ...]
    pause: int = 0


class Board:
    """Which lane is free when, until the office closes."""

    def __init__(self, office: Open, busy: Iterable[BusyTime]) -> None:
        self.office = office
        self._taken: dict[int, list[Span]] = {lane.number: [] for lane in office.lanes}
        for lane, start, end in sorted(busy):
            if lane in self._taken:
                self._taken[lane].append((start, end))

    def seat(self, party: Party, rest: Sequence[Party] = (), *, now_only: bool = False) -> Seat | None:
        """The earliest place for `party`, or None if there is none today; with `now_only` it has to begin now.

        Of several lanes the one that fewest of the `rest` could use: whoever needs a specialist finds them free.
        """
        found = [
            (start, sum(lane.serves(other.services) for other in rest), lane.number)
            for lane in self.office.lanes
            if lane.serves(party.services) and (start := self._first(lane.number, party.seconds)) is not None
        ]
        if not found:
            return None
        start, _, lane = min(found)
        return Seat(start, lane) if start == self.office.now or not now_only else None

    def take(self, seat: Seat, seconds: int) -> None:
        """From now on the lane is busy from `seat.start` for `seconds` and the pause afterwards."""
        self._taken[seat.lane].append((seat.start, seat.start + seconds + self.office.pause))
        self._taken[seat.lane].sort()

    def _first(self, lane: int, seconds: int) -> int | None:
        start = self.office.now
        for low, high in self._taken[lane]:
            if high <= start:
                continue
            if low >= start + seconds + self.office.pause:
                break
            start = high
        return start if start + seconds <= self.office.closes else None


def turns(board: Board, queue: Sequence[Party]) -> list[int | None]:
    """When each of the `queue` will probably be served, in the order of their numbers; None: not today any more.

    Who needs a clerk or a stretch of time that is not free yet is overtaken by those whose time fits, as in truth.
    """
    found: list[int | None] = []
    for index, party in enumerate(queue):
        seat = board.seat(party, queue[index + 1 :])
        if seat is not None:
            board.take(seat, party.expected)
        found.append(None if seat is None else seat.start)
    return found


def busy_now(busy: Iterable[BusyTime], running: Iterable[Running], now: int, pause: int) -> list[BusyTime]:
    """What takes the lanes, with the calls that run now as they really are.

    One that is quick ends before its time, one that runs over keeps its clerk, also when no appointment is stored for
    that time any more. An appointment to which nobody came ends when it was to end.
    """
    taken = list(busy)
    for call in running:
        if not _goes_on(call, now):
            continue
        taken = [one for one in taken if (one.lane, one.start) != (call.lane, call.start)]
        taken.append(BusyTime(call.lane, now, max(now + _SOON, call.began + call.expected) + pause))
    return taken


def staffed(
    lanes: Sequence[Lane], present: Collection[UUID], busy: Collection[int], off_duty: Collection[int]
) -> tuple[Lane, ...]:
    """The lanes for which a clerk is there now; `busy` and `off_duty` are the numbers of lanes that are so now.

    A lane with an account has its clerk or nobody. Whoever else is there works on one of the lanes without an account:
    on those that are busy first, since nobody can be there for two.
    """
    accounts = {lane.clerk for lane in lanes if lane.clerk is not None}
    others = len(set(present) - accounts)
    shared = sorted(
        (lane for lane in lanes if lane.clerk is None),
        key=lambda lane: (lane.number not in busy, lane.number in off_duty, lane.number),
    )
    there = {lane.number for lane in (*(one for one in lanes if one.clerk in present), *shared[:others])}
    return tuple(lane for lane in lanes if lane.number in there)


def expected(services: Iterable[str], seconds: int, shares: Mapping[str, float]) -> int:
    """How long an appointment of `seconds` will probably take, by the `shares` of their time that services took."""
    known = [shares.get(service, 1.0) for service in services] or [1.0]
    return max(_SOON, round(seconds * sum(known) / len(known)))


def _goes_on(call: Running, now: int) -> bool:
    if call.talked is None:
        return now < max(call.end, call.began) + _ENDLESS
    return now < call.began + call.talked + _FINISHING
