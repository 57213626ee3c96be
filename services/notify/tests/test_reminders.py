"""Reminders: planned with the appointment, moved with it, gone with it, and written once with the newest link."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from chassis.database import Database
from contracts.offices import Office
from notify import usecases
from notify.model import Waking, reminders
from notify.reminders import BATCH, plan_anew, remind

Apply = Callable[..., Awaitable[bool]]
BOOKED, MOVED, OFF = "booking.completed.v1", "booking.rescheduled.v1", "booking.cancelled.v1"
MISSED, FORGOTTEN = "booking.no_show.v1", "booking.erased.v1"
DONE, GIVEN_UP = "casework.case_completed.v1", "casework.case_aborted.v1"
START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)


@pytest.fixture(autouse=True)
def a_week_before(clock: Any) -> None:
    clock.now = START - timedelta(days=7)


async def planned(database: Database) -> list[datetime]:
    async with database.transaction() as tx:
        return [row["due_at"] for row in await tx.rows("SELECT due_at FROM reminder ORDER BY due_at")]


async def pending(database: Database) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        return await tx.rows(
            "SELECT appointment_id, recipient, context, valid_until FROM ours.message"
            " WHERE kind = 'reminder' AND state = 'pending'"
        )


async def due(database: Database, clock: Any) -> int:
    return await remind(database, clock(), lambda: None)


class TestPlanning:
    ID = UUID("0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10")

    def times(self, ahead: timedelta, before: tuple[int, ...] = (1440, 30)) -> list[datetime]:
        return sorted(one.due_at for one in reminders(self.ID, 1, START, before, START - ahead))  # type: ignore[arg-type]

    def test_a_day_and_half_an_hour_before(self) -> None:
        assert self.times(timedelta(days=3)) == [START - DAY, START - HALF_HOUR]

    def test_one_whose_time_has_passed_is_left_out(self) -> None:
        assert self.times(timedelta(hours=20)) == [START - HALF_HOUR]
        assert self.times(timedelta(minutes=10)) == []
        assert self.times(-timedelta(minutes=10)) == []

    def test_none_where_the_office_wants_none(self) -> None:
        assert self.times(timedelta(days=3), ()) == []

    def test_each_is_worthless_when_the_next_one_is_due_and_the_last_when_it_begins(self) -> None:
        found = reminders(self.ID, 1, START, (30, 1440), START - timedelta(days=3))  # type: ignore[arg-type]
        assert {one.due_at: one.valid_until for one in found} == {
            START - DAY: START - HALF_HOUR,
            START - HALF_HOUR: START,
        }

    @pytest.mark.parametrize(
        ("starts", "before", "due"),
        [
            ("2026-12-01T09:00", 30, "2026-12-01T08:30"),
            ("2026-12-01T07:15", 30, "2026-12-01T07:00"),  # waking up is early enough
            ("2026-12-01T07:00", 30, "2026-11-30T21:00"),  # it is not: the evening before
            ("2026-12-01T21:30", 20, "2026-12-01T21:00"),
            ("2026-12-02T03:00", 120, "2026-12-01T21:00"),
            ("2026-12-02T23:00", 1440, "2026-12-02T07:00"),  # a day before would be at night
            ("2026-03-29T09:00", 1440 - 60, "2026-03-28T09:00"),  # the clocks go forward in between
        ],
    )
    def test_nobody_is_woken_up(self, starts: str, before: int, due: str) -> None:
        starts_at, due_at = (
            datetime.fromisoformat(each).replace(tzinfo=BERLIN).astimezone(UTC) for each in (starts, due)
        )
        waking = Waking(time(7), time(21), BERLIN)
        found = reminders(self.ID, 1, starts_at, (before,), starts_at - timedelta(days=9), waking=waking)  # type: ignore[arg-type]
        assert [one.due_at for one in found] == [due_at]

    def test_of_two_that_fall_together_one_goes_out(self) -> None:
        starts_at = datetime(2026, 12, 1, 7, 0, tzinfo=BERLIN)
        waking = Waking(time(7), time(21), BERLIN)
        found = reminders(self.ID, 1, starts_at, (30, 60), starts_at - timedelta(days=9), waking=waking)  # type: ignore[arg-type]
        assert [one.valid_until for one in found] == [starts_at]

    def test_planning_again_plans_the_same_ones_and_a_move_others(self) -> None:
        def ids(generation: int) -> set[UUID]:
            found = reminders(self.ID, generation, START, (30, 1440), START - timedelta(days=3))  # type: ignore[arg-type]
            return {one.id for one in found}

        assert ids(1) == ids(1)
        assert not ids(1) & ids(2)


async def test_a_booking_is_reminded_of_with_its_link(apply: Apply, database: Database, clock: Any) -> None:
    await apply(BOOKED)
    assert await planned(database) == [START - DAY, START - HALF_HOUR]
    assert await due(database, clock) == 0
    clock.now = START - DAY
    assert await due(database, clock) == 1
    (message,) = await pending(database)
    assert message["recipient"] == "amelie@example.org"
    assert message["context"]["link_token"] == "eyJhbGciOiJFZERTQSJ9.c2FtcGxl.c2FtcGxl"
    assert message["valid_until"] == START - HALF_HOUR
    assert await planned(database) == [START - HALF_HOUR]


async def test_other_settings_plan_anew_what_is_to_come(
    apply: Apply, database: Database, clock: Any, offices: Mapping[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    for ended in ((), (OFF,), (DONE,), (FORGOTTEN,)):
        appointment_id = uuid4()
        for told in (BOOKED, *ended):
            await apply(told, appointment_id=appointment_id)
    assert await planned(database) == [START - DAY, START - HALF_HOUR]
    demo = offices["demo"]
    changed = demo.model_copy(update={"notify": demo.notify.model_copy(update={"reminder_minutes": (120,)})})
    monkeypatch.setattr("notify.reminders.BATCH", 1)
    for _ in range(2):
        await plan_anew({**offices, "demo": changed}, database, clock())
        assert await planned(database) == [START - timedelta(hours=2)]
    await plan_anew({}, database, clock())
    assert await planned(database) == [START - timedelta(hours=2)], "an office without a file is nobody's to change"


async def test_who_waits_for_a_link_comes_before_who_is_reminded(apply: Apply, database: Database, clock: Any) -> None:
    await apply(BOOKED)
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET state = 'delivered'")
    clock.now = START - DAY
    await due(database, clock)
    clock.now += timedelta(minutes=1)
    await apply(BOOKED, appointment_id=uuid4())
    clock.now += timedelta(minutes=1)
    kinds = [(await usecases.claim_due(database, clock(), limit=1))[0].kind for _ in range(2)]
    assert kinds == ["confirmation", "reminder"]


async def test_a_move_moves_the_reminders_and_their_link(apply: Apply, database: Database, clock: Any) -> None:
    await apply(BOOKED)
    later = START + timedelta(days=2)
    await apply(MOVED, starts_at=later, ends_at=later + HALF_HOUR, link_token="a.new.one", link_generation=2)
    assert await planned(database) == [later - DAY, later - HALF_HOUR]
    clock.now = later - DAY
    await due(database, clock)
    (message,) = await pending(database)
    assert message["context"]["link_token"] == "a.new.one"
    assert message["context"]["starts_at"] == later.isoformat()


async def test_a_reminder_that_is_queued_when_the_appointment_moves_is_not_sent(
    apply: Apply, database: Database, clock: Any
) -> None:
    await apply(BOOKED)
    clock.now = START - DAY
    await due(database, clock)
    await apply(MOVED, link_generation=2)
    assert await pending(database) == []


async def test_the_newest_generation_decides_in_whatever_order_the_events_arrive(
    apply: Apply, database: Database
) -> None:
    for order in permutations((1, 2, 3)):
        appointment_id = uuid4()
        for generation in order:
            starts_at = START + timedelta(days=generation)
            subject = BOOKED if generation == 1 else MOVED
            await apply(subject, appointment_id=appointment_id, link_generation=generation, starts_at=starts_at)
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT due_at FROM reminder WHERE appointment_id = :id ORDER BY due_at", id=appointment_id
            )
        newest = START + timedelta(days=3)
        assert [row["due_at"] for row in rows] == [newest - DAY, newest - HALF_HOUR], order


@pytest.mark.parametrize("end", [OFF, MISSED, FORGOTTEN, DONE, GIVEN_UP])
async def test_nobody_is_reminded_of_what_is_over(apply: Apply, database: Database, clock: Any, end: str) -> None:
    await apply(BOOKED)
    await apply(end)
    assert await planned(database) == []


@pytest.mark.parametrize("end", [OFF, MISSED, FORGOTTEN, DONE])
async def test_nor_when_the_booking_arrives_after_its_end(apply: Apply, database: Database, end: str) -> None:
    await apply(end)
    await apply(BOOKED)
    assert await planned(database) == []


@pytest.mark.parametrize("end", [OFF, MISSED, DONE, GIVEN_UP, FORGOTTEN])
async def test_a_queued_one_is_dropped_with_the_end(apply: Apply, database: Database, clock: Any, end: str) -> None:
    await apply(BOOKED)
    clock.now = START - DAY
    await due(database, clock)
    await apply(end)
    assert await pending(database) == []


async def test_who_is_called_up_without_an_appointment_is_not_reminded(apply: Apply, database: Database) -> None:
    await apply(BOOKED, channel="walk_in")
    assert await planned(database) == []


async def test_after_an_outage_only_what_still_helps_is_written(apply: Apply, database: Database, clock: Any) -> None:
    await apply(BOOKED)
    clock.now = START - timedelta(minutes=5)
    assert await due(database, clock) == 2
    (message,) = await pending(database)
    assert message["valid_until"] == START


async def test_one_that_the_mail_server_kept_waiting_too_long_is_not_sent(
    apply: Apply, database: Database, clock: Any
) -> None:
    await apply(BOOKED)
    clock.now = START - HALF_HOUR
    await due(database, clock)
    clock.now = START
    await usecases.claim_due(database, clock())
    assert await pending(database) == []


async def test_a_booking_replayed_into_a_restored_inbox_reminds_nobody_twice(
    apply: Apply, database: Database, clock: Any
) -> None:
    await apply(BOOKED)
    clock.now = START - DAY
    await due(database, clock)
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM inbox")
    clock.now -= timedelta(hours=1)  # a clock that was put right: the reminder is planned again
    await apply(BOOKED)
    clock.now += timedelta(hours=2)
    await due(database, clock)
    assert len(await pending(database)) == 1


async def test_several_replicas_and_moves_at_the_same_time_leave_one_reminder_each(
    apply: Apply, database: Database, clock: Any
) -> None:
    ids = [uuid4() for _ in range(2 * BATCH)]
    for appointment_id in ids:
        await apply(BOOKED, appointment_id=appointment_id)
    clock.now = START - DAY
    moved = ids[:20]
    later = START + timedelta(days=2)
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(due(database, clock) for _ in range(6)),
            *(apply(MOVED, appointment_id=one, link_generation=2, starts_at=later) for one in moved),
        )
        while await due(database, clock):
            continue
    reminded = [row["appointment_id"] for row in await pending(database)]
    assert sorted(map(str, reminded)) == sorted(map(str, ids[20:]))
    assert set(await planned(database)) == {START - HALF_HOUR, later - DAY, later - HALF_HOUR}
