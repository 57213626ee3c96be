"""A town's days against a plain model of its office: whatever happens in whatever order, both say the same.

Hypothesis drives the real application on real PostgreSQL and Redis; the model is tests/support/plain_office.py.
SCHALTER_MACHINE_EXAMPLES=500 looks longer.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from plain_office import DAY, Lane, PlainOffice, Visit
from real_office import MIDNIGHT, OFFICE, World, clock_time, iso, local_day, minute, said

from booking.app import build

EXAMPLES = int(os.environ.get("SCHALTER_MACHINE_EXAMPLES", "10"))
STEPS = 50

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: What citizens come for, and how long it takes.
WISHES = {("fuehrungszeugnis",): 5, ("anmeldung",): 15, ("personalausweis", "anmeldung"): 25}
SERVICES = sorted({service for wish in WISHES for service in wish})

#: Somebody of those that there are: which one, modulo how many.
some = st.integers(0, 1000)
wishes = st.sampled_from(sorted(WISHES))
#: A free time (which one), one where somebody is (whom, how much later), or any (days from today, minutes of the day).
free = st.tuples(st.just("free"), some, st.just(0))
occupied = st.tuples(st.just("occupied"), some, st.sampled_from([0, 0, 0, -15, 15]))
anywhere = st.tuples(st.just("any"), st.integers(0, 3), st.integers(105, 170).map(lambda n: 5 * n))
times = st.one_of(free, occupied, anywhere)
spans = st.sampled_from([(540, 660), (540, 600), (600, 660), (585, 630), (780, 840)])


class Town(RuleBasedStateMachine):
    """Citizens and clerks, as they come.

    A rule for which there is nobody does nothing. It has no precondition, because on which lane somebody gets an
    appointment is drawn by the office, and hypothesis wants the same rules to be open when it goes the same way again.
    """

    world: ClassVar[World]
    clock: ClassVar[list[datetime]]
    loop: ClassVar[asyncio.AbstractEventLoop]

    @initialize()
    def begin(self) -> None:
        self.office = PlainOffice()
        self.given_back: list[UUID] = []
        self.steps = 0
        self._set_clock()
        self._do(self.world.reset())

    def _do(self, act: Any) -> Any:
        return self.loop.run_until_complete(act)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer: httpx.Response = self._do(self.world.ask(method, path, **more))
        return answer

    def _set_clock(self) -> None:
        self.clock[0] = MIDNIGHT + timedelta(minutes=self.office.now)

    def _when(self, time: tuple[str, int, int], wish: tuple[str, ...]) -> int:
        kind, first, second = time
        there = [visit.start for visit in self.office.visits.values() if visit.state == "booked"]
        there += [start for _, start, _ in self.office.holds.values()]
        choices = {"free": self.office.free(wish, WISHES[wish]), "occupied": there}.get(kind, [])
        if choices:
            return choices[first % len(choices)] + second
        return (self.office.now // DAY + first % 4) * DAY + (second or 540)

    def _visit(self, which: int) -> tuple[UUID, Visit]:
        return list(self.office.visits.items())[which % len(self.office.visits)]

    def _hold(self, which: int | None) -> UUID | None:
        known = [*self.office.holds, *self.given_back]
        return known[which % len(known)] if which is not None and known else None

    @rule(wish=wishes, time=free)
    def book_a_free_slot(self, wish: tuple[str, ...], time: tuple[str, int, int]) -> None:
        self._book(wish, self._when(time, wish), None)

    @rule(wish=wishes, time=occupied)
    def book_where_somebody_is(self, wish: tuple[str, ...], time: tuple[str, int, int]) -> None:
        self._book(wish, self._when(time, wish), None)

    @rule(wish=wishes, time=times, holding=some)
    def book_anything(self, wish: tuple[str, ...], time: tuple[str, int, int], holding: int) -> None:
        self._book(wish, self._when(time, wish), self._hold(holding))

    @rule(which=some)
    def book_what_one_holds(self, which: int) -> None:
        if not self.office.holds:
            return
        hold, (_, start, end) = list(self.office.holds.items())[which % len(self.office.holds)]
        lengths = {length: wish for wish, length in WISHES.items()}
        self._book(lengths[end - start - PlainOffice.PAUSE], start, hold)

    def _book(self, wish: tuple[str, ...], start: int, hold: UUID | None) -> None:
        length = WISHES[wish]
        expected, lanes = self.office.outcome(wish, start, length, hold=hold, keeps=True)
        body = {
            "services": [{"service_id": service} for service in wish],
            "starts_at": iso(start),
            "name": "Erika",
            "email": f"{uuid4().hex}@example.org",
            "language": "de",
            "hold_id": str(hold) if hold else None,
        }
        answer = self._ask("POST", "/offices/machine/appointments", json=body)
        assert said(answer) == expected
        if expected == "ok":
            id_ = UUID(answer.json()["appointment_id"])
            lane = self._do(self.world.rows())[id_][0]
            assert lane in lanes
            link = answer.json()["link"].split("#")[1]
            self.office.visits[id_] = Visit(lane, start, length, wish, link, self.office.now)
            self._release(hold)

    @rule(wish=wishes, time=free | occupied, holding=st.none() | some)
    def hold(self, wish: tuple[str, ...], time: tuple[str, int, int], holding: int | None) -> None:
        start, length = self._when(time, wish), WISHES[wish]
        hold = self._hold(holding) or uuid4()
        expected, lanes = self.office.outcome(wish, start, length, hold=hold)
        body = {"services": list(wish), "starts_at": iso(start), "hold_id": str(hold)}
        answer = self._ask("POST", "/offices/machine/holds", json=body)
        assert said(answer) == expected
        self._placed(expected, hold, lanes, start, length)

    @rule(which=some, time=free | occupied, holding=st.none() | some)
    def hold_to_move(self, which: int, time: tuple[str, int, int], holding: int | None) -> None:
        if not self.office.visits:
            return
        id_, visit = self._visit(which)
        start, hold = self._when(time, visit.services), self._hold(holding) or uuid4()
        if not visit.alive:
            expected, lanes = "link_expired cancelled", set[int]()
        elif visit.state != "booked" or visit.start <= self.office.now:
            expected, lanes = "not_movable", set[int]()
        else:
            expected, lanes = self.office.outcome(visit.services, start, visit.length, hold=hold, own=id_)
        body = {"starts_at": iso(start), "hold_id": str(hold)}
        assert said(self._ask("POST", "/appointment/holds", link=visit.link, json=body)) == expected
        self._placed(expected, hold, lanes, start, visit.length)

    def _placed(self, expected: str, hold: UUID, lanes: set[int], start: int, length: int) -> None:
        if expected == "ok":
            now = self.clock[0]
            placed = self._do(self.world.app.state.deps.calendar.holds.find("machine", hold, now=now))
            assert placed.lane in lanes
            self.office.holds[hold] = (placed.lane, start, start + length + PlainOffice.PAUSE)

    @rule(which=some)
    def give_hold_back(self, which: int) -> None:
        if not self.office.holds:
            return
        hold = self._hold(which)
        assert self._ask("DELETE", f"/offices/machine/holds/{hold}").status_code == 204
        self._release(hold)

    def _release(self, hold: UUID | None) -> None:
        if hold is not None and hold in self.office.holds:
            del self.office.holds[hold]
            self.given_back.append(hold)

    @rule(which=some)
    def cancel(self, which: int) -> None:
        if not self.office.visits:
            return
        _, visit = self._visit(which)
        expected = "ok"
        if not visit.alive:
            expected = "link_expired cancelled"
        elif visit.state != "booked" or visit.start <= self.office.now:
            expected = "not_cancellable"
        assert said(self._ask("POST", "/appointment/cancellation", link=visit.link)) == expected
        if expected == "ok":
            visit.state, visit.alive = "cancelled", False
            self.office.give_back(visit)

    @rule(which=some, time=times, holding=st.none() | some)
    def move(self, which: int, time: tuple[str, int, int], holding: int | None) -> None:
        if not self.office.visits:
            return
        id_, visit = self._visit(which)
        start, hold = self._when(time, visit.services), self._hold(holding)
        if not visit.alive:
            expected, lanes = "link_expired cancelled", set[int]()
        elif visit.state != "booked" or visit.start <= self.office.now:
            expected, lanes = "not_movable", set[int]()
        elif start == visit.start:
            expected, lanes = "ok", {visit.lane}
        else:
            expected, lanes = self.office.outcome(visit.services, start, visit.length, hold=hold, own=id_, keeps=True)
        body = {"starts_at": iso(start), "hold_id": str(hold) if hold else None}
        answer = self._ask("POST", "/appointment/rescheduling", link=visit.link, json=body)
        assert said(answer) == expected
        if expected == "ok":
            if start != visit.start:
                self.office.give_back(visit)
                visit.taken = self.office.now
            visit.lane, visit.start = self._do(self.world.rows())[id_][0], start
            visit.link = answer.json()["link"].split("#")[1]
            assert visit.lane in lanes
            self._release(hold)

    @rule(which=some)
    def nobody_came(self, which: int) -> None:
        if not self.office.visits:
            return
        id_, visit = self._visit(which)
        late = self.office.now >= visit.start + PlainOffice.GRACE
        expected = {"booked": "ok" if late else "too_early", "no_show": "ok"}.get(visit.state, "not_missed")
        assert said(self._ask("POST", f"/office/appointments/{id_}/no-show", lead=True)) == expected
        if expected == "ok":
            visit.state = "no_show"

    @rule(minutes=st.sampled_from([5, 10, 30, 45, 180, 1000]))
    def time_goes_by(self, minutes: int) -> None:
        self.office.now += minutes
        self._set_clock()

    @rule(lane=some, day=st.integers(0, 2), span=spans)
    def a_clerk_is_away(self, lane: int, day: int, span: tuple[int, int]) -> None:
        if len(self.office.blocked) >= 2:
            return
        if not self.office.lanes:
            return
        number = sorted(self.office.lanes)[lane % len(self.office.lanes)]
        low, high = ((self.office.now // DAY + day) * DAY + at for at in span)
        body = {"lane": number, "starts_at": iso(low), "ends_at": iso(high), "reason": "sick"}
        answer = self._ask("POST", "/office/blocked-times", lead=True, json=body)
        assert answer.status_code == 201, answer.text
        self.office.blocked[UUID(answer.json()["id"])] = (number, low, high)

    @rule(which=some)
    def a_clerk_is_back(self, which: int) -> None:
        if not self.office.blocked:
            return
        id_ = list(self.office.blocked)[which % len(self.office.blocked)]
        assert self._ask("DELETE", f"/office/blocked-times/{id_}", lead=True).status_code == 204
        del self.office.blocked[id_]

    @rule(kind=st.sampled_from(["close", "special", "skills", "shifts", "hire", "leave"]), which=some, span=spans)
    def edit_the_timetable(self, kind: str, which: int, span: tuple[int, int]) -> None:
        if self.office.version >= 4:
            return
        office = self.office
        day = office.now // DAY + which % 3
        number = sorted(office.lanes)[which % len(office.lanes)] if office.lanes else None
        lanes: dict[int | None, Lane] = {lane: entry for lane, entry in office.lanes.items()}  # noqa: C416 - other keys
        closed, special = office.closed, office.special
        if kind == "close":
            closed = closed ^ {day}
        elif kind == "special":
            special = special | {day: (span,)} if which % 4 else special | {day: ()}
        elif kind == "hire":
            lanes[None] = Lane()
        elif number is not None and kind == "leave":
            del lanes[number]
        elif number is not None and kind == "skills":
            lanes[number] = Lane(frozenset(SERVICES[: which % 4]) if which % 5 else None, lanes[number].shifts)
        elif number is not None:
            shifts = tuple((weekday, *span) for weekday in range(5)) if which % 3 else ()
            lanes[number] = Lane(lanes[number].skills, shifts)
        document = {
            "version": office.version,
            "opening_hours": [_weekly(hours) for hours in office.hours],
            "special_days": [{"day": local_day(d), "hours": [_hours(span) for span in s]} for d, s in special.items()],
            "closures": [{"first": local_day(d), "last": local_day(d)} for d in sorted(closed)],
            "observes_holidays": False,
            "clerks": [
                {
                    "lane": lane,
                    "name": "Clerk",
                    "skills": None if entry.skills is None else sorted(entry.skills),
                    "shifts": [_weekly(shift) for shift in entry.shifts],
                }
                for lane, entry in lanes.items()
            ],
        }
        answer = self._ask("PUT", "/office/timetable", lead=True, json=document)
        assert answer.status_code == 200, answer.text
        stale = self._ask("PUT", "/office/timetable", lead=True, json=document)
        assert said(stale) == "timetable_changed"
        saved = [entry["lane"] for entry in answer.json()["clerks"]]
        assert not (set(saved) - set(office.lanes)) & {visit.lane for visit in office.visits.values()}
        office.version = answer.json()["version"]
        office.lanes = dict(zip(saved, lanes.values(), strict=True))
        office.closed, office.special = closed, special

    @rule(which=some, holding=some)
    def look_where_one_could_move(self, which: int, holding: int) -> None:
        if not self.office.visits:
            return
        id_, visit = self._visit(which)
        if visit.alive:
            free = self.office.free(visit.services, visit.length, own=id_)
            assert self._slots("/appointment/slots", {}, link=visit.link) == free
        wish, hold = ("anmeldung",), self._hold(holding)
        if hold:
            query = {"services": wish, "hold": str(hold)}
            assert self._slots("/offices/machine/slots", query) == self.office.free(wish, 15, hold=hold)
        assert self._slots("/office/slots", {"services": wish}, lead=True) == self.office.free(
            wish, 15, lead=0, kept=True
        )

    def _slots(self, path: str, query: dict[str, Any], **who: Any) -> list[int]:
        today = self.office.now // DAY
        days = {"from": local_day(today), "to": local_day(today + PlainOffice.HORIZON + 1)}
        answer = self._ask("GET", path, params=query | days, **who)
        assert answer.status_code == 200, answer.text
        return [minute(slot["starts_at"]) for slot in answer.json()["slots"]]

    @invariant()
    def both_say_the_same(self) -> None:
        stored = self._do(self.world.rows())
        assert stored == {id_: (v.lane, v.start, v.state) for id_, v in self.office.visits.items()}
        self.steps += 1
        self._same_slots(sorted(WISHES)[self.steps % len(WISHES)])

    def teardown(self) -> None:
        for wish in WISHES:
            self._same_slots(wish)

    def _same_slots(self, wish: tuple[str, ...]) -> None:
        query = {"services": wish}
        assert self._slots("/offices/machine/slots", query) == self.office.free(wish, WISHES[wish])

    @invariant()
    def no_two_are_with_one_clerk(self) -> None:
        booked = sorted((v.lane, v.start, v.pause_ends) for v in self.office.visits.values() if v.state == "booked")
        for (lane, _, ends), (other, starts, _) in pairwise(booked):
            assert lane != other or ends <= starts


def _hours(span: tuple[int, int]) -> dict[str, str]:
    return {"opens": clock_time(span[0]), "closes": clock_time(span[1])}


def _weekly(hours: tuple[int, int, int]) -> dict[str, str]:
    return {"weekday": WEEKDAYS[hours[0]], **_hours(hours[1:])}


@pytest.fixture(scope="module")
def offices_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("machine")
    hours = "".join(
        f'[[opening_hours]]\nweekday = "{WEEKDAYS[day]}"\nopens = "{clock_time(low)}"\ncloses = "{clock_time(high)}"\n'
        for day, low, high in PlainOffice.hours
    )
    services = "".join(f'[[services]]\nid = "{service}"\n' for service in SERVICES)
    (directory / "machine.toml").write_text(OFFICE + hours + services)
    return directory


@pytest.fixture
def town(settings: Any, clerk_token: Any) -> Iterator[type[Town]]:
    loop = asyncio.new_event_loop()
    clock = [MIDNIGHT]
    app = build(settings, clock=lambda: clock[0])
    lifespan = app.router.lifespan_context(app)
    loop.run_until_complete(lifespan.__aenter__())
    Town.world = World(app, clerk_token)
    Town.clock, Town.loop = clock, loop
    yield Town
    loop.run_until_complete(lifespan.__aexit__(None, None, None))
    loop.close()


def test_the_office_and_its_plain_model_never_disagree(town: type[Town]) -> None:
    run_state_machine_as_test(
        town,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
