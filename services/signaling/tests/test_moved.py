"""Appointments that move, are missed or forgotten: which link is good, who is shown out, and what stays."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from personal import cells, left, unfilled
from redis.asyncio import Redis

from chassis.clock import utc_now
from chassis.consumer import process
from chassis.database import Database
from contracts.base import Event, Meta
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.casework import CaseAborted
from contracts.topology import durable
from signaling.consumers import Consumers, RoomUnknown
from signaling.hub import Hub
from signaling.model import NEWEST_GENERATION
from signaling.personal_data import REGISTRY

Room = Callable[..., Awaitable[UUID]]
Hear = Callable[..., Awaitable[bool]]
Published = Callable[..., Awaitable[list[dict[str, Any]]]]
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def hear(database: Database, redis: Redis, samples: Any) -> Hear:
    """`await hear(EventClass, appointment_id, field=...)`: the event's sample about that appointment arrives."""
    handlers = {consumer.event: consumer for consumer in Consumers(Hub(redis), utc_now).all()}

    async def apply(kind: type[Event], appointment_id: UUID, **changes: object) -> bool:
        event = samples[kind.SUBJECT][1].model_copy(update={"appointment_id": appointment_id, **changes})
        meta = Meta.of(event, now=utc_now())
        return await process(database, durable("signaling", kind), handlers[kind], event, meta, clock=utc_now)

    return apply


async def only_room(database: Database, appointment_id: UUID) -> dict[str, Any]:
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT * FROM ours.rooms WHERE appointment_id = :id", id=appointment_id)
    return dict(row)


def ask(instance: Any, token: str) -> tuple[int, str | None]:
    """Ask for a ticket with this link: status and problem code."""
    answer = httpx.post(f"{instance.url}/tickets", json={}, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code")


async def test_the_order_of_events_does_not_matter_the_newest_generation_decides(
    room: Room, hear: Hear, database: Database
) -> None:
    now = utc_now().replace(microsecond=0)
    told: list[tuple[type[Event], int]] = [
        (BookingCompleted, 1),
        (BookingRescheduled, 2),
        (BookingRescheduled, 3),
    ]
    for order in permutations(told):
        appointment_id = uuid4()
        for kind, generation in order:
            starts_at = now + generation * HOUR
            await hear(kind, appointment_id, starts_at=starts_at, ends_at=starts_at + HOUR, link_generation=generation)
        found = await only_room(database, appointment_id)
        assert (found["link_generation"], found["starts_at"], found["state"]) == (3, now + 3 * HOUR, "open"), order


@pytest.mark.parametrize(("kind", "state"), [(BookingCancelled, "cancelled"), (BookingNoShow, "aborted")])
async def test_what_is_over_stays_over_when_its_move_or_its_booking_come_late(
    room: Room, hear: Hear, database: Database, kind: type[Event], state: str
) -> None:
    appointment_id = uuid4()
    for late in (kind, BookingRescheduled, BookingCompleted):
        await hear(late, appointment_id)
    assert (await only_room(database, appointment_id))["state"] == state


@pytest.mark.parametrize(
    ("end", "state"), [(BookingCancelled, "cancelled"), (BookingNoShow, "aborted"), (BookingErased, "cancelled")]
)
async def test_booking_moves_and_end_close_the_room_whichever_comes_first(
    room: Room, hear: Hear, database: Database, end: type[Event], state: str
) -> None:
    told: list[tuple[type[Event], dict[str, object]]] = [
        (BookingCompleted, {"link_generation": 1}),
        (BookingRescheduled, {"link_generation": 2}),
        (BookingRescheduled, {"link_generation": 3}),
        (end, {}),
    ]
    for order in permutations(told):
        appointment_id = uuid4()
        for kind, fields in order:
            await hear(kind, appointment_id, **fields)
        found = await only_room(database, appointment_id)
        newest = NEWEST_GENERATION if end is BookingErased else 3
        assert (found["state"], found["link_generation"]) == (state, newest), order


async def test_a_finished_case_is_not_missed_afterwards(room: Room, hear: Hear, database: Database) -> None:
    appointment_id = await room()
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.rooms SET state = 'completed'")
    await hear(BookingNoShow, appointment_id)
    assert (await only_room(database, appointment_id))["state"] == "completed"


async def test_who_came_after_all_finds_the_room_open_in_whatever_order_it_is_told(
    room: Room, hear: Hear, database: Database
) -> None:
    now = utc_now()
    told: list[tuple[type[Event], dict[str, object]]] = [
        (BookingCompleted, {}),
        (BookingNoShow, {"marked_at": now}),
        (CaseAborted, {"reason": "citizen_absent", "aborted_at": now}),
        (BookingResumed, {"resumed_at": now + timedelta(minutes=2), "link_generation": 1}),
    ]
    for again in (None, now + HOUR):
        for order in permutations(told):
            appointment_id = uuid4()
            if again:
                await hear(BookingNoShow, appointment_id, marked_at=again)
            waiting = list(order)
            while waiting:
                kind, fields = waiting.pop(0)
                try:
                    await hear(kind, appointment_id, **fields)
                except RoomUnknown:  # is delivered again
                    waiting.append((kind, fields))
            found = await only_room(database, appointment_id)
            expected = "aborted" if again else "open"
            assert (found["state"], found["link_generation"]) == (expected, 1), (again, order)


@pytest.mark.parametrize(("end", "state"), [(BookingCancelled, "cancelled"), (BookingErased, "cancelled")])
async def test_a_dead_link_comes_back_by_nothing(
    room: Room, hear: Hear, database: Database, end: type[Event], state: str
) -> None:
    appointment_id = await room()
    for kind in (BookingNoShow, end, BookingResumed):
        await hear(kind, appointment_id)
    assert (await only_room(database, appointment_id))["state"] == state


async def test_a_case_that_was_aborted_for_another_reason_stays_so(room: Room, hear: Hear, database: Database) -> None:
    appointment_id = await room()
    at = utc_now()
    await hear(BookingResumed, appointment_id, resumed_at=at)
    await hear(CaseAborted, appointment_id, reason="technical", aborted_at=at - HOUR)
    assert (await only_room(database, appointment_id))["state"] == "aborted"


async def test_the_old_link_is_dead_the_new_one_good_and_one_ahead_of_its_event_comes_back(
    instances: tuple[Any, Any], room: Room, hear: Hear, citizen_token: Callable[..., str]
) -> None:
    appointment_id = await room()
    old, new = (citizen_token(appointment_id, "demo", gen=generation) for generation in (1, 2))
    assert ask(instances[0], new) == (503, "room_not_ready")
    now = datetime.now(UTC)
    await hear(BookingRescheduled, appointment_id, starts_at=now, ends_at=now + HOUR, link_generation=2)
    assert ask(instances[0], old) == (410, "link_expired")
    assert ask(instances[1], new) == (201, None)


async def test_a_ticket_of_the_old_link_opens_nothing_any_more(
    instances: tuple[Any, Any], room: Room, hear: Hear, enter: Any
) -> None:
    appointment_id = await room()
    async with enter(instances[0], "citizen", appointment_id, welcome=False) as client:
        await client.expect("welcome")
    now = datetime.now(UTC)

    async def move_in_between() -> None:
        await hear(BookingRescheduled, appointment_id, starts_at=now, ends_at=now + HOUR, link_generation=2)

    async with enter(instances[0], "citizen", appointment_id, welcome=False, ticketed=move_in_between) as late:
        await late.expect("error", code="link_expired")
        assert await late.closed() == 4403


async def test_whoever_waits_with_the_old_link_is_told_and_the_clerk_stays(
    instances: tuple[Any, Any], enter: Any, room: Room, hear: Hear, database: Database, published: Published
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen,
        enter(instances[1], "clerk", appointment_id) as clerk,
    ):
        await clerk.send(type="admit")
        await citizen.expect("admitted")
        await citizen.send(type="description", description={"type": "answer", "sdp": "v=0"})
        await clerk.expect("description")
        await clerk.quiet("nothing", 0.3)  # the call goes on record
        now = datetime.now(UTC)
        await hear(BookingRescheduled, appointment_id, starts_at=now, ends_at=now + HOUR, link_generation=2)
        await citizen.expect("closed", reason="rescheduled")
        assert await citizen.closed() == 1000
        await clerk.saw("dismissed")
        await clerk.saw("peer-left")
    told = [event["subject"].split(".")[1] for event in await published(appointment_id)]
    assert told.count("call_ended") == 1
    left = [event["role"] for event in await published(appointment_id) if "participant_left" in event["subject"]]
    assert left[0] == "citizen"
    assert (await only_room(database, appointment_id))["admitted_at"] is None


async def test_a_link_that_went_to_a_stranger_opens_nothing_and_who_waits_by_it_is_told_that_it_is_no_longer_valid(
    instances: tuple[Any, Any], enter: Any, room: Room, hear: Hear, citizen_token: Callable[..., str]
) -> None:
    appointment_id = await room()
    now = datetime.now(UTC)
    times = {"starts_at": now, "ends_at": now + HOUR}
    async with enter(instances[0], "citizen", appointment_id) as citizen:
        for _ in range(2):
            await hear(BookingContactChanged, appointment_id, **times, link_generation=2)
        await citizen.expect("closed", reason="expired")
    assert ask(instances[0], citizen_token(appointment_id, "demo", gen=1)) == (410, "link_expired")
    assert ask(instances[1], citizen_token(appointment_id, "demo", gen=2)) == (201, None)


async def test_whose_link_was_kept_stays_in_the_room(
    instances: tuple[Any, Any], enter: Any, room: Room, hear: Hear
) -> None:
    appointment_id = await room()
    async with enter(instances[0], "citizen", appointment_id) as citizen:
        await hear(BookingContactChanged, appointment_id, link_generation=1, changed_by="office")
        assert await citizen.quiet("closed")


async def test_who_missed_the_message_is_shown_out_by_the_next_look(
    instances: tuple[Any, Any], enter: Any, room: Room, database: Database
) -> None:
    appointment_id = await room()
    async with enter(instances[0], "citizen", appointment_id) as citizen:
        async with database.transaction() as tx:
            await tx.execute("UPDATE ours.rooms SET link_generation = 2 WHERE appointment_id = :id", id=appointment_id)
        await citizen.expect("closed", seconds=12, reason="rescheduled")


async def test_the_holder_of_the_new_link_is_not_disturbed_by_the_event_of_an_older_move(
    instances: tuple[Any, Any], enter: Any, room: Room, hear: Hear
) -> None:
    appointment_id = await room(generation=3)
    async with enter(instances[0], "citizen", appointment_id, generation=3) as citizen:
        await hear(BookingRescheduled, appointment_id, link_generation=2)
        assert await citizen.quiet("closed")


async def test_what_is_forgotten_leaves_a_dead_link_and_nothing_else(
    instances: tuple[Any, Any], room: Room, hear: Hear, database: Database, citizen_token: Callable[..., str]
) -> None:
    appointment_id = await room()
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO calls (appointment_id, office, started_at, ended_at) VALUES (:id, 'demo', now(), now())",
            id=appointment_id,
        )
        await tx.execute(
            "INSERT INTO participants (appointment_id, role, office, since) VALUES (:id, 'citizen', 'demo', now())",
            id=appointment_id,
        )
        await tx.execute(
            "UPDATE ours.rooms SET stage = 'payment', revision = 7, admitted_at = now(), absence_told_at = now()"
        )
    before = await cells(database.url, REGISTRY, appointment_id)
    assert unfilled(REGISTRY, before, ("rooms", "calls", "participants")) == []
    erased_at = utc_now().replace(microsecond=0)
    await hear(BookingErased, appointment_id, erased_at=erased_at)
    await hear(BookingCompleted, appointment_id)
    await hear(BookingRescheduled, appointment_id)
    left_over = await only_room(database, appointment_id)
    assert {name: value for name, value in left_over.items() if value is not None} == {
        "appointment_id": appointment_id,
        "office": "demo",
        "starts_at": erased_at,
        "ends_at": erased_at,
        "link_generation": NEWEST_GENERATION,
        "state": "cancelled",
    }
    assert left(REGISTRY, before, await cells(database.url, REGISTRY, appointment_id)) == []
    assert ask(instances[0], citizen_token(appointment_id, "demo")) == (410, "link_expired")


async def test_what_is_forgotten_before_it_was_known_never_comes_to_be_known(
    room: Room, hear: Hear, database: Database
) -> None:
    appointment_id = uuid4()
    await hear(BookingErased, appointment_id)
    await hear(BookingCompleted, appointment_id)
    assert (await only_room(database, appointment_id))["state"] == "cancelled"


async def test_another_offices_move_or_erasure_changes_nothing_here(room: Room, hear: Hear, database: Database) -> None:
    appointment_id = await room("demo")
    before = await only_room(database, appointment_id)
    await hear(BookingRescheduled, appointment_id, office="heidelberg", link_generation=5)
    await hear(BookingErased, appointment_id, office="heidelberg")
    assert await only_room(database, appointment_id) == before
