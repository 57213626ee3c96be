"""Events of booking and casework: every sample twice has one effect, and the people in the room hear of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from twin_office import is_twins

from chassis.clock import utc_now
from chassis.consumer import process
from chassis.database import Database
from contracts.base import Event, Meta
from contracts.topology import CONSUMES, durable
from signaling.consumers import Consumers, RoomUnknown
from signaling.hub import Hub

Samples = Mapping[str, tuple[Meta, Event]]
Room = Callable[..., Awaitable[UUID]]
SUBJECTS = [event.SUBJECT for event in CONSUMES["signaling"]]
ENDINGS = {
    "booking.cancelled.v1": "cancelled",
    "booking.no_show.v1": "aborted",
    "booking.erased.v1": "cancelled",
    "casework.case_completed.v1": "completed",
    "casework.case_aborted.v1": "aborted",
}


@pytest_asyncio.fixture
async def deliver(database: Database, redis: Redis) -> AsyncIterator[Callable[..., Awaitable[bool]]]:
    """`await deliver(event, meta)`: as the bus would; whether it had an effect."""
    handlers = {consumer.event: consumer for consumer in Consumers(Hub(redis), utc_now).all()}

    async def apply(event: Event, meta: Meta) -> bool:
        name = durable("signaling", type(event))
        return await process(database, name, handlers[type(event)], event, meta, clock=utc_now)

    yield apply


async def stored(database: Database, table: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        rows = await tx.rows(f"SELECT * FROM {table}")  # noqa: S608 - tests name tables
    return [dict(row) for row in rows if not is_twins(row.get("office"))]


def about(sample: tuple[Meta, Event], appointment_id: UUID, **changes: object) -> tuple[Event, Meta]:
    """The sample, told of another appointment, as a new event."""
    _, event = sample
    moved = event.model_copy(update={"appointment_id": appointment_id, **changes})
    return moved, Meta.of(moved, now=datetime.now(UTC))


def test_exactly_what_the_topology_says_is_consumed(redis_url: str) -> None:
    hub = Hub(Redis.from_url(redis_url))
    assert {consumer.event for consumer in Consumers(hub, utc_now).all()} == set(CONSUMES["signaling"])


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_sample_delivered_twice_has_one_effect(
    room: Room, samples: Samples, deliver: Any, database: Database, subject: str
) -> None:
    booked_meta, booked = samples["booking.completed.v1"]
    await deliver(booked, booked_meta)
    meta, event = samples[subject]
    assert await deliver(event, meta) is (subject != "booking.completed.v1")
    once = await stored(database, "rooms")
    assert await deliver(event, meta) is False
    assert await stored(database, "rooms") == once
    assert len(once) == 1
    assert once[0]["state"] == ENDINGS.get(subject, "open")
    assert once[0]["stage"] == ("application" if subject == "casework.stage_changed.v1" else None)


async def test_a_cancellation_that_overtakes_the_booking_wins(
    room: Room, samples: Samples, deliver: Any, database: Database
) -> None:
    for subject in ("booking.cancelled.v1", "booking.completed.v1"):
        meta, event = samples[subject]
        await deliver(event, meta)
    (only,) = await stored(database, "rooms")
    assert only["state"] == "cancelled"


@pytest.mark.parametrize(
    "subject", ["casework.stage_changed.v1", "casework.case_completed.v1", "casework.case_aborted.v1"]
)
async def test_what_overtakes_the_booking_is_tried_again(
    room: Room, samples: Samples, deliver: Any, database: Database, subject: str
) -> None:
    meta, event = samples[subject]
    with pytest.raises(RoomUnknown):
        await deliver(event, meta)
    assert await stored(database, "inbox") == []


async def test_an_older_revision_changes_nothing(
    room: Room, samples: Samples, deliver: Any, database: Database
) -> None:
    appointment_id = await room()
    sample = samples["casework.stage_changed.v1"]
    for stage, revision in (("signature", 7), ("talk", 6), ("payment", 8), ("payment", 8)):
        await deliver(*about(sample, appointment_id, stage=stage, revision=revision))
    (only,) = await stored(database, "rooms")
    assert (only["stage"], only["revision"]) == ("payment", 8)


async def test_both_sides_see_the_stage_and_the_notices_wherever_they_are(
    instances: tuple[Any, Any], enter: Any, room: Room, samples: Samples, deliver: Any
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen,
        enter(instances[1], "clerk", appointment_id) as clerk,
    ):
        changed = about(samples["casework.stage_changed.v1"], appointment_id, stage="identity", revision=4)
        await deliver(*changed)
        for stage, revision in (("talk", 3), ("identity", 4)):  # older, and told again: nobody hears of it
            await deliver(*about(samples["casework.stage_changed.v1"], appointment_id, stage=stage, revision=revision))
        await deliver(*about(samples["casework.signed.v1"], appointment_id))
        for one in (citizen, clerk):
            changed_message = await one.expect("case-changed")
            assert (changed_message["stage"], changed_message["revision"]) == ("identity", 4)
            assert (await one.expect("case-changed"))["subject"] == "casework.signed.v1"
    async with enter(instances[1], "citizen", appointment_id) as later:
        assert later.heard[0]["stage"] == {"stage": "identity", "revision": 4}


@pytest.mark.parametrize(("subject", "reason"), ENDINGS.items())
async def test_whoever_is_in_a_room_that_ends_is_told_why(
    instances: tuple[Any, Any],
    enter: Any,
    room: Room,
    samples: Samples,
    deliver: Any,
    published: Callable[..., Awaitable[list[dict[str, Any]]]],
    subject: str,
    reason: str,
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
        if subject == "booking.no_show.v1":
            await deliver(*about(samples[subject], appointment_id))  # whoever is in the call has come after all
            await clerk.send(type="dismiss")
            await citizen.expect("dismissed")
        await deliver(*about(samples[subject], appointment_id))
        for one in (citizen, clerk):
            await one.expect("closed", reason=reason)
            assert await one.closed() == 1000
    left = [e["role"] for e in await published(appointment_id) if e["subject"] == "signaling.participant_left.v1"]
    assert sorted(left) == ["citizen", "clerk"]


async def test_another_offices_event_moves_nothing_here(
    room: Room, samples: Samples, deliver: Any, database: Database
) -> None:
    appointment_id = await room("demo")
    with pytest.raises(RoomUnknown):
        await deliver(*about(samples["casework.case_completed.v1"], appointment_id, office="heidelberg"))
    (only,) = await stored(database, "rooms")
    assert only["state"] == "open"


async def test_the_way_over_the_bus(
    instances: tuple[Any, Any], enter: Any, room: Room, samples: Samples, nats_url: str, soon: Any, database: Database
) -> None:
    """booking's events, published to its stream, open a room and later close it over the head of whoever waits."""
    appointment_id = uuid4()
    connection = await nats.connect(nats_url)
    try:
        jetstream = connection.jetstream()

        async def publish(event: Event, meta: Meta) -> None:
            body = event.model_dump_json().encode()
            await jetstream.publish(event.SUBJECT, body, headers=meta.headers())

        now = datetime.now(UTC)
        booked = about(samples["booking.completed.v1"], appointment_id, starts_at=now, ends_at=now)
        for _ in range(2):
            await publish(*booked)

        async def known() -> bool:
            return any(one["appointment_id"] == appointment_id for one in await stored(database, "rooms"))

        await soon(known, 15)
        async with enter(instances[1], "citizen", appointment_id) as citizen:
            await publish(*about(samples["booking.cancelled.v1"], appointment_id))
            await citizen.expect("closed", reason="cancelled", seconds=15)
    finally:
        await connection.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_what_another_office_says_of_our_room_changes_nothing(
    instances: tuple[Any, Any],
    enter: Any,
    room: Room,
    samples: Samples,
    deliver: Any,
    database: Database,
    subject: str,
) -> None:
    """The room stays as it is, and who is in it stays and hears nothing of it."""
    appointment_id = await room("demo")
    async with enter(instances[0], "clerk", appointment_id) as clerk:
        before = await stored(database, "rooms"), await stored(database, "participants")
        later = {"link_generation": 9} if "link_generation" in type(samples[subject][1]).model_fields else {}
        with suppress(RoomUnknown):
            await deliver(*about(samples[subject], appointment_id, office="heidelberg", **later))
        assert (await stored(database, "rooms"), await stored(database, "participants")) == before
        with pytest.raises(TimeoutError):
            await clerk.next(0.3)


@pytest.mark.parametrize("subject", [*ENDINGS, "casework.stage_changed.v1", "casework.signed.v1"])
async def test_who_is_in_the_room_hears_of_it_at_once(
    subject: str, database: Database, redis: Redis, room: Room, samples: Samples, somebody: Any
) -> None:
    hub = Hub(redis)
    handlers = {consumer.event: consumer for consumer in Consumers(hub, utc_now).all()}
    appointment_id = await room()
    citizen, clerk = (somebody(role, appointment_id, instance=hub.mailbox.instance) for role in ("citizen", "clerk"))
    for one in (citizen, clerk):
        hub.add(one)
        await hub.rooms.take(one.place, one.seat)
    event, meta = about(samples[subject], appointment_id, office="demo")
    assert await process(database, "told", handlers[type(event)], event, meta, clock=utc_now)
    for one in (citizen, clerk):
        (frame,) = one.transport.heard()
        if subject in ENDINGS:
            assert frame == {"type": "closed", "reason": ENDINGS[subject]}
        else:
            assert (frame["type"], frame["subject"]) == ("case-changed", subject)
