"""What holds at the very instant at which something begins or ends, and from one day to the next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from booking.appointments import store as appointments
from booking.entries import store as entries
from booking.slots import usecases as slots
from booking.waiting import queue, usecases
from booking.walkin import presence
from booking.walkin.presence import SILENCE
from chassis.database import Database
from contracts.booking import BookingResumed

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The town is open day and night; fifteen minutes, pauses of five.
TEN = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)  # Tuesday in Berlin
MIDNIGHT = datetime(2026, 6, 2, 22, 0, tzinfo=UTC)  # its end
INSTANT = timedelta(microseconds=1)
ADA, BEN = UUID(int=1), UUID(int=2)


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def _freed(database: Database, public_at: datetime, starts_at: datetime) -> UUID:
    freed = uuid4()
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO freed_slot (id, office, lane, starts_at, ends_at, public_at, freed_at, left_by)"
            " VALUES (:id, 'by-appointment', 0, :starts_at, :ends_at, :public_at, :starts_at, :left_by)",
            id=freed,
            left_by=uuid4(),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=20),
            public_at=public_at,
        )
    return freed


@pytest.mark.parametrize(
    ("public_in", "starts_in", "is_kept"),
    [
        (INSTANT, INSTANT, True),
        (timedelta(), timedelta(hours=1), False),
        (timedelta(hours=1), timedelta(), False),
    ],
)
@pytest.mark.usefixtures("client")
async def test_a_freed_slot_is_kept_until_it_is_public_or_begins(
    database: Database, stored: Any, public_in: timedelta, starts_in: timedelta, is_kept: bool
) -> None:
    freed = await _freed(database, TEN + public_in, TEN + starts_in)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO waiting_entry (id, office, minutes, since, state, changed_at, services, name, email, language)"
            " VALUES (:id, 'by-appointment', 15, :now, 'waiting', :now, '[]', 'Erika', 'erika@example.org', 'de')",
            id=uuid4(),
            now=TEN,
        )
        unoffered = await queue.unoffered(tx, "by-appointment", TEN)
        await queue.tidy(tx, "by-appointment", TEN)
    assert (unoffered == [freed], [row["id"] for row in await stored("freed_slot")] == [freed]) == (is_kept, is_kept)


@pytest.mark.usefixtures("client")
async def test_however_many_wait_all_are_asked_and_nobody_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_PAGE", 2)
    freed = await _freed(database, TEN, TEN)
    ids = sorted(uuid4() for _ in range(5))
    async with database.transaction() as tx:
        for id_ in reversed(ids):  # the last two have come at the same instant
            await tx.execute(
                "INSERT INTO waiting_entry"
                " (id, office, minutes, since, state, changed_at, services, name, email, language)"
                " VALUES (:id, 'by-appointment', 15, :since, 'waiting', :since, '[]', 'Erika', :email, 'de')",
                id=id_,
                since=TEN + min(ids.index(id_), 3) * timedelta(seconds=1),
                email=f"{id_}@example.org",
            )
        (slot,) = await queue.freed_slots(tx, [freed], TEN - timedelta(hours=1))
        assert [one.entry_id async for one in queue.candidates(tx, "by-appointment", slot)] == ids


async def test_an_offer_is_open_until_its_last_instant_and_while_it_is_earlier(room: Any, clock: Any, app: Any) -> None:
    gone = await room.book(TEN, "Gone")
    await room.wait(TEN + timedelta(hours=3), "Anna")
    await room.cancel(gone)
    await room.round()
    (mail,) = await room.mails()
    async with app.state.database.transaction() as tx:
        (row,) = await tx.rows("SELECT id FROM slot_offer WHERE office = 'town'")
        known = await entries.offer(tx, "town", row["id"])
        assert known
        assert usecases.state_of(known, mail.expires_at - INSTANT) == "open"
        assert usecases.state_of(known, mail.expires_at) == "expired"
        for current, state in ((TEN + INSTANT, "open"), (TEN, "expired"), (None, "expired")):
            assert usecases.state_of(replace(known, current_starts_at=current), mail.expires_at - INSTANT) == state


@pytest.mark.usefixtures("client")
async def test_a_clerk_is_there_until_the_silence_is_too_long_and_the_latest_word_counts(database: Database) -> None:
    async with database.transaction() as tx:
        for clerk, at in ((ADA, TEN), (BEN, TEN), (BEN, TEN - INSTANT)):
            await presence.heard(tx, "town", [clerk], at)
        assert await presence.clerks(tx, "town", TEN + SILENCE - INSTANT) == {ADA}
        assert await presence.clerks(tx, "town", TEN + SILENCE) == frozenset()
        await presence.heard(tx, "town", [BEN], TEN + INSTANT)
        assert await presence.clerks(tx, "town", TEN) == {BEN}


async def test_what_ends_at_midnight_is_not_of_the_next_day(client: httpx.AsyncClient, signed_in: Any) -> None:
    for low, high in ((MIDNIGHT - timedelta(hours=1), MIDNIGHT), (MIDNIGHT, MIDNIGHT + timedelta(hours=1))):
        block = {"lane": 0, "starts_at": iso(low), "ends_at": iso(high), "reason": "sick"}
        answer = await client.post("/office/blocked-times", json=block, headers=signed_in("lead", "town"))
        assert answer.status_code == 201, answer.text
    week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in(office="town"))).json()
    blocked = [[block["starts_at"] for block in day["lanes"][0]["blocked"]] for day in week["days"]]
    assert blocked == [[], [iso(MIDNIGHT - timedelta(hours=1))], [iso(MIDNIGHT)], [], [], [], []]


async def test_an_appointment_that_is_over_is_in_nobodys_way(
    client: httpx.AsyncClient, signed_in: Any, room: Any, clock: Any, edit_timetable: Any
) -> None:
    await room.book(TEN)
    await edit_timetable("town", opening_hours=[{"weekday": "fri", "opens": "08:00", "closes": "12:00"}])
    for at, conflicts in ((TEN + timedelta(minutes=15) - INSTANT, 1), (TEN + timedelta(minutes=15), 0)):
        clock.now = at
        week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in(office="town"))).json()
        assert len(week["conflicts"]) == conflicts


async def test_the_pause_reaches_into_the_next_day(room: Any) -> None:
    for name in ("Anna", "Berta"):  # two desks
        await room.book(MIDNIGHT, name)
    shown = await room.slots("2026-06-02")
    assert iso(MIDNIGHT - timedelta(minutes=30)) in shown
    assert iso(MIDNIGHT - timedelta(minutes=15)) not in shown, "it would end when the next one begins, without a pause"


@pytest.mark.parametrize("minutes_before", [10, 5])
async def test_a_night_shift_is_one_whose_days_it_joins(
    client: httpx.AsyncClient, edit_timetable: Any, book: Any, minutes_before: int
) -> None:
    evening = {"weekday": "tue", "opens": "20:00", "closes": "24:00"}
    morning = {"weekday": "wed", "opens": "00:00", "closes": "06:00"}
    clerk = {"lane": 0, "name": "Ada", "skills": None}
    around = MIDNIGHT - timedelta(minutes=minutes_before)
    for shifts, status in (([evening], 422), ([morning], 422), ([evening, morning], 201)):
        assert (await edit_timetable("demo", clerks=[clerk | {"shifts": shifts}])).status_code == 200
        answer = await book("demo", starts_at=iso(around), services=[{"service_id": "anmeldung"}])
        assert answer.status_code == status, answer.text


async def test_a_clock_that_is_behind_takes_a_no_show_back_all_the_same(
    client: httpx.AsyncClient, book: Any, clock: Any, signed_in: Any, stored: Any
) -> None:
    path = f"/office/appointments/{(await book()).json()['appointment_id']}"
    clock.now = missed_at = datetime(2026, 6, 2, 6, 30, tzinfo=UTC)
    assert (await client.post(f"{path}/no-show", headers=signed_in())).json()["state"] == "no_show"
    clock.forward(seconds=-1)
    assert (await client.post(f"{path}/resumption", headers=signed_in())).json()["state"] == "booked"
    (event,) = [row["body"] for row in await stored("outbox") if row["subject"] == BookingResumed.SUBJECT]
    assert BookingResumed.model_validate_json(event).resumed_at == missed_at + INSTANT


@pytest.mark.parametrize(
    ("minutes_before", "is_kept"),
    # A delay of 15 to 90 minutes, half an hour to be booked in peace, and the lead of thirty.
    [(150, True), (149, False)],
)
async def test_a_slot_comes_back_at_once_where_it_would_come_back_too_late(
    app: Any, monkeypatch: pytest.MonkeyPatch, minutes_before: int, is_kept: bool
) -> None:
    monkeypatch.setattr("booking.slots.usecases.secrets.randbelow", lambda limit: limit - 1)
    now = TEN - timedelta(minutes=minutes_before)
    longest = now + timedelta(minutes=90)
    assert slots.returns(app.state.deps.offices["town"], TEN, now) == (longest if is_kept else now)
    monkeypatch.setattr("booking.slots.usecases.secrets.randbelow", lambda limit: 0)
    assert slots.returns(app.state.deps.offices["town"], TEN, now) == now + timedelta(minutes=15)


async def test_two_talks_of_an_appointment_are_one(database: Database, book: Any, stored: Any) -> None:
    appointment = (await book()).json()["appointment_id"]
    async with database.transaction() as tx:
        for seconds in (60, 5):
            await appointments.call_took(tx, "heidelberg", UUID(appointment), seconds)  # type: ignore[arg-type]
    (row,) = await stored("appointment")
    assert row["talk_seconds"] == 65
