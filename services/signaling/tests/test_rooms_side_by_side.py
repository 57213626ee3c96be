"""What happens in one room of an office leaves the one beside it as it is."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.database import Database
from chassis.problems import NotFound
from signaling import store, usecases
from signaling.model import NobodyWaiting, RoomClosed
from signaling.rooms import Place
from signaling.tickets import Claim

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
CLERK, COLLEAGUE = UUID(int=1), UUID(int=2)
TOWN = "town"  # no running instance looks at it
Rooms = tuple[UUID, UUID]


@pytest.fixture
async def rooms(database: Database, room: Callable[..., Awaitable[UUID]]) -> Rooms:
    """Two rooms of an office; in each a citizen and their clerk talk."""
    here, there = await room(TOWN), await room(TOWN)
    async with database.transaction() as tx:
        for each, clerk in ((here, CLERK), (there, COLLEAGUE)):
            assert await store.enter(tx, each, "citizen", TOWN, None, NOW)
            assert await store.enter(tx, each, "clerk", TOWN, clerk, NOW)
            assert await store.set_admitted(tx, each, NOW)
            assert await store.start_call(tx, each, TOWN, NOW)
    return here, there


async def seen(database: Database, appointment_id: UUID) -> dict[str, Any]:
    async with database.transaction() as tx:
        room = await store.room(tx, appointment_id, TOWN)
        assert room
        calls = await tx.rows("SELECT ended_at FROM calls WHERE appointment_id = :id", id=appointment_id)
        present = [one for one in await store.present_places(tx) if one.appointment_id == appointment_id]
    running = [call["ended_at"] for call in calls] == [None]
    return {"state": room.state, "admitted": room.admitted, "running": running, "present": len(present)}


TALKING = {"state": "open", "admitted": True, "running": True, "present": 2}


@pytest.mark.parametrize(
    ("act", "after"),
    [
        ("leaves", {"running": False, "present": 1}),
        ("clerk leaves", {"running": False, "present": 1}),
        ("dismissed", {"admitted": False, "running": False}),
        ("completed", {"state": "completed", "admitted": False, "running": False, "present": 0}),
    ],
)
async def test_only_this_room_changes(database: Database, rooms: Rooms, act: str, after: dict[str, object]) -> None:
    here, there = rooms
    async with database.transaction() as tx:
        if act == "leaves":
            assert await usecases.depart(tx, here, TOWN, "citizen", at=LATER)
            assert not await usecases.depart(tx, here, TOWN, "citizen", at=LATER), "told before"
        elif act == "clerk leaves":
            assert await usecases.depart(tx, here, TOWN, "clerk", at=LATER)
        elif act == "dismissed":
            await usecases.dismiss(tx, here, TOWN, CLERK, now=LATER)
        else:
            await usecases.end_room(tx, here, TOWN, "completed", now=LATER)
    assert await seen(database, here) == TALKING | after
    assert await seen(database, there) == TALKING


async def test_who_waits_next_door_does_not_wait_here(database: Database, rooms: Rooms) -> None:
    here, there = rooms
    async with database.transaction() as tx:
        await usecases.depart(tx, here, TOWN, "citizen", at=LATER)
        assert await store.present_since(tx, here, "citizen") is None
        assert await store.present_since(tx, there, "citizen") == NOW
        with pytest.raises(NobodyWaiting):
            await usecases.admit(tx, here, TOWN, CLERK, now=LATER)
        committed = await store.committed(tx, [Place(here, "citizen"), Place(there, "citizen"), Place(here, "clerk")])
    assert [one.recorded for one in committed.values()] == [False, True, True]


async def test_letting_in_and_sending_back_are_told_once(database: Database, rooms: Rooms, published: Any) -> None:
    here, _ = rooms
    async with database.transaction() as tx:
        for _ in range(2):
            await usecases.admit(tx, here, TOWN, CLERK, now=NOW)
        for _ in range(2):
            await usecases.dismiss(tx, here, TOWN, CLERK, now=LATER)
        for _ in range(2):
            await usecases.admit(tx, here, TOWN, CLERK, now=LATER)
    told = [(event["subject"].split(".")[1], event.get("seconds")) for event in await published(here)]
    assert told == [("call_ended", 300), ("participant_waiting", None), ("admitted", None)]


async def test_who_comes_back_within_the_grace_was_never_away(database: Database, rooms: Rooms, published: Any) -> None:
    here, _ = rooms
    claim = Claim(role="clerk", office=TOWN, appointment_id=here, clerk_id=COLLEAGUE, generation=None, session="s")
    async with database.transaction() as tx:
        assert (await usecases.join(tx, claim, now=LATER)).admitted
        who = "SELECT clerk_id, since FROM participants WHERE appointment_id = :id AND role = 'clerk'"
        (row,) = await tx.rows(who, id=here)
    assert (row["clerk_id"], row["since"]) == (COLLEAGUE, NOW), "a colleague went on"
    assert await published(here) == []


async def test_a_call_goes_on_when_both_are_back_and_is_told_of_whoever_acts(
    database: Database, rooms: Rooms, published: Any
) -> None:
    here, _ = rooms
    async with database.transaction() as tx:
        await usecases.depart(tx, here, TOWN, "citizen", at=LATER)
        await usecases.depart(tx, here, TOWN, "clerk", at=LATER)
        for role, clerk in (("citizen", None), ("clerk", CLERK)):
            claim = Claim.model_validate(
                {
                    "role": role,
                    "office": TOWN,
                    "appointment_id": here,
                    "clerk_id": clerk,
                    "generation": None,
                    "session": "s",
                }
            )
            await usecases.join(tx, claim, now=LATER)
        rows = await tx.rows("SELECT subject, headers ->> 'ce-actor' AS actor FROM outbox ORDER BY id")
    told = [(row["subject"].split(".")[1], row["actor"]) for row in rows]
    assert told[-3:] == [
        ("participant_waiting", "citizen"),
        ("participant_waiting", f"clerk:{CLERK}"),
        ("call_started", None),
    ]


async def test_how_long_calls_take_is_known_from_the_last_twenty(database: Database, rooms: Rooms) -> None:
    async with database.transaction() as tx:
        for number in range(25):
            await tx.execute(
                "INSERT INTO calls (appointment_id, office, clerk_id, started_at, ended_at)"
                " VALUES (:id, 'town', :clerk, :start, :end)",
                id=rooms[0],
                clerk=CLERK,
                start=NOW - timedelta(days=number),
                end=NOW - timedelta(days=number) + timedelta(seconds=number),
            )
        desk = await store.desk(tx, TOWN, LATER)
    assert desk.finished_seconds == tuple(float(number) for number in range(20))
    assert sorted(desk.running) == [(CLERK, 300.0), (COLLEAGUE, 300.0)]


async def test_a_room_that_nobody_knows_is_refused(database: Database, rooms: Rooms) -> None:
    claim = Claim(role="clerk", office=TOWN, appointment_id=uuid4(), clerk_id=CLERK, generation=None, session="s")
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await usecases.join(tx, claim, now=NOW)
        for decide in (usecases.admit, usecases.dismiss):
            with pytest.raises(NotFound):
                await decide(tx, uuid4(), TOWN, CLERK, now=NOW)
        assert not await usecases.depart(tx, uuid4(), TOWN, "citizen", at=NOW)
        assert not await usecases.start_call(tx, uuid4(), TOWN, at=NOW)


@pytest.mark.parametrize("decide", [usecases.admit, usecases.dismiss])
async def test_in_a_room_that_is_over_nobody_is_let_in_or_sent_back(
    database: Database, rooms: Rooms, decide: Any
) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE rooms SET state = 'completed' WHERE appointment_id = :id", id=rooms[0])
        with pytest.raises(RoomClosed):
            await decide(tx, rooms[0], TOWN, CLERK, now=LATER)
