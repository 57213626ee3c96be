"""Where an ill clerk's appointments go: rules, checked against plain definitions for random offices."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.clerks.reassignment_plan import Bound, ReassignmentPlan, Spot, plan
from booking.timetable.model import BusyTime, DutyHours, Lane, Schedule

NOW = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)  # Monday, 09:00 in Berlin
ILL = 0
MINUTE = 60
SERVICES = ("anmeldung", "reisepass")

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault


def office(lanes: tuple[Lane, ...], *, lead: int, horizon: int, buffer: int) -> Schedule:
    weekdays = (
        DutyHours(weekday, opens, closes) for weekday in (0, 1, 3) for opens, closes in ((540, 720), (780, 840))
    )
    return Schedule(
        zone=ZoneInfo("Europe/Berlin"),
        hours=tuple(weekdays),
        lanes=lanes,
        grid=timedelta(minutes=15),
        lead=timedelta(minutes=lead),
        horizon=timedelta(days=horizon),
        buffer=timedelta(minutes=buffer),
    )


def at(day: int, minutes: int) -> int:
    """`minutes` after midnight of a June day in Berlin."""
    return int(datetime(2026, 6, day, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) + minutes * MINUTE


@st.composite
def offices(draw: st.DrawFn) -> Schedule:
    skills = st.sampled_from([None, frozenset(), frozenset({"anmeldung"}), frozenset(SERVICES)])
    shifts = st.sampled_from([(), (DutyHours(0, 600, 800), DutyHours(1, 540, 660))])
    lanes = [Lane(number, "", draw(skills), draw(shifts)) for number in range(draw(st.integers(1, 4)))]
    return office(
        tuple(lanes),
        lead=draw(st.sampled_from([0, 60, 1500])),
        horizon=draw(st.integers(1, 10)),
        buffer=draw(st.sampled_from([0, 5])),
    )


@st.composite
def days_of_the_ill_one(draw: st.DrawFn, pause: int) -> list[Bound]:
    found: list[Bound] = []
    for day in draw(st.sets(st.sampled_from([1, 2, 4]), min_size=1)):
        minute = 540
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=6)):
            minute += 15 * gap
            services = tuple(draw(st.sets(st.sampled_from(SERVICES), min_size=1)))
            start, end = at(day, minute), at(day, minute + 15 * length)
            found.append(Bound(UUID(int=len(found)), services, start, end, end + pause))
            minute += 15 * length + pause // MINUTE
    return found


busy_of_others = st.lists(
    st.builds(
        lambda lane, day, begin, length: BusyTime(lane, at(day, begin), at(day, begin + length)),
        st.integers(1, 3),
        st.sampled_from([1, 2, 4, 8, 9]),
        st.integers(500, 830),
        st.integers(5, 120),
    ),
    max_size=12,
)
ALL_WEEK = BusyTime(ILL, at(1, 0), at(8, 0))


def overlap(one: BusyTime, other: BusyTime) -> bool:
    return one.lane == other.lane and one.start < other.end and other.start < one.end


def places(schedule: Schedule, bounds: Iterable[Bound], planned: ReassignmentPlan) -> dict[UUID, BusyTime]:
    pause = int(schedule.buffer.total_seconds())
    spots = {**planned.kept, **planned.moved}
    return {
        bound.id: BusyTime(
            spots[bound.id].lane, spots[bound.id].start, spots[bound.id].start + bound.end - bound.start + pause
        )
        for bound in bounds
        if bound.id in spots
    }


@steady
@given(st.data(), offices(), busy_of_others)
def test_nobody_is_double_booked_and_everybody_is_thought_of_once(
    data: st.DataObject, schedule: Schedule, others: list[BusyTime]
) -> None:
    bounds = data.draw(days_of_the_ill_one(int(schedule.buffer.total_seconds())))
    planned = plan(schedule, bounds, ILL, [*others, ALL_WEEK], NOW)

    assert sorted(chain(planned.kept, planned.moved, planned.left)) == sorted(bound.id for bound in bounds)
    taken = places(schedule, bounds, planned)
    ordered = sorted(taken.values())
    assert not any(overlap(one, other) for one, other in pairwise(ordered))
    assert not any(overlap(one, other) for one in ordered for other in [*others, ALL_WEEK])

    by_id = {bound.id: bound for bound in bounds}
    lanes = {lane.number: lane for lane in schedule.lanes}
    for id_, spot in chain(planned.kept.items(), planned.moved.items()):
        bound = by_id[id_]
        assert lanes[spot.lane].serves(bound.services)
        assert (
            schedule.unserved(spot.lane, bound.services, spot.start, spot.start + bound.end - bound.start, []) is None
        )


@steady
@given(st.data(), offices(), busy_of_others)
def test_who_can_stay_stays_and_the_others_go_to_the_nearest_slot(
    data: st.DataObject, schedule: Schedule, others: list[BusyTime]
) -> None:
    bounds = data.draw(days_of_the_ill_one(int(schedule.buffer.total_seconds())))
    planned = plan(schedule, bounds, ILL, [*others, ALL_WEEK], NOW)
    taken = places(schedule, bounds, planned)
    pause = int(schedule.buffer.total_seconds())

    def free(bound: Bound, start: int, by_then: Iterable[UUID]) -> bool:
        """Whether some lane could have had `bound` at `start`, when those in `by_then` had their places."""
        length = bound.end - bound.start
        busy = [*others, ALL_WEEK, *(taken[id_] for id_ in by_then)]
        return any(
            schedule.unserved(lane.number, bound.services, start, start + length, []) is None
            and not any(overlap(BusyTime(lane.number, start, start + length + pause), one) for one in busy)
            for lane in schedule.lanes
        )

    settled = list(planned.kept)
    for bound in sorted(bounds, key=lambda bound: (bound.start, bound.id)):
        begun = bound.start <= NOW.timestamp()
        # Those who stay are never in each other's way: they were apart on one lane already.
        assert (bound.id in planned.kept) == (not begun and free(bound, bound.start, ()))
        if bound.id in planned.kept:
            continue
        if begun:
            assert planned.left[bound.id] == "begun"
            continue
        old_day = datetime.fromtimestamp(bound.start, schedule.zone).date()
        possible = [
            start
            for start in schedule.offered(date(2026, 6, 1), date(2026, 6, 30), bound.length, NOW)
            if datetime.fromtimestamp(start, schedule.zone).date() >= old_day and free(bound, start, settled)
        ]
        spot: Spot | None = planned.moved.get(bound.id)
        if spot is None:
            assert not possible
            trained = any(lane.serves(bound.services) for lane in schedule.lanes)
            assert planned.left[bound.id] == ("no_room" if trained else "nobody_trained")
            continue
        settled.append(bound.id)
        same_day = [s for s in possible if datetime.fromtimestamp(s, schedule.zone).date() == old_day]
        distances = [abs(start - bound.start) for start in same_day]
        if same_day:
            assert abs(spot.start - bound.start) == min(distances)
        else:
            assert spot.start == min(possible)
        assert spot.start >= NOW.timestamp() + schedule.lead.total_seconds()
