"""A booking is taken in one statement, and leaves what it would have left step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from chassis.consumer import Consumer, process
from chassis.database import Database
from contracts.base import Event, Meta
from contracts.offices import Office
from notify.consumers import Queued, consumers

BOOKED, MOVED, OFF = "booking.completed.v1", "booking.rescheduled.v1", "booking.cancelled.v1"
DONE, FORGOTTEN = "casework.case_completed.v1", "booking.erased.v1"
Apply = Callable[..., Awaitable[bool]]
Book = Callable[..., Awaitable[bool]]


@pytest.fixture
def book(
    database: Database, clock: Any, samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office]
) -> Book:
    meta, event = samples[BOOKED]
    consumer: Consumer[Any] = next(c for c in consumers(offices, clock, Queued()) if c.event is type(event))
    assert consumer.at_once

    async def book(*, at_once: bool, **changes: object) -> bool:
        way = consumer if at_once else replace(consumer, at_once=None)
        return await process(database, "notify", way, event.model_copy(update=changes), meta, clock=clock)

    return book


async def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows, without what differs from run to run."""
    async with database.autocommit() as tx:
        return {
            table: await tx.rows(f"SELECT to_jsonb(t) - '{{id,cause,key}}'::text[] AS row FROM {table} t ORDER BY 1")  # noqa: S608
            for table in ("recipient", "message", "reminder", "inbox")
        }


async def corrected(database: Database) -> None:
    async with database.autocommit() as tx:
        await tx.execute("UPDATE ours.recipient SET corrected_email = 'right@example.org'")


@pytest.mark.parametrize("before", [[], [OFF], [MOVED], [DONE], [FORGOTTEN], [BOOKED, "corrected"], [OFF, MOVED, DONE]])
@pytest.mark.parametrize("channel", ["citizen", "walk_in"])
async def test_at_once_is_what_it_is_step_by_step(
    apply: Apply, database: Database, book: Book, before: list[str], channel: str
) -> None:
    left = []
    for at_once in (False, True):
        async with database.autocommit() as tx:
            await tx.execute("TRUNCATE message, recipient, reminder, inbox, outbox")
        for subject in before:
            await (corrected(database) if subject == "corrected" else apply(subject))
        if before == [BOOKED, "corrected"]:  # the same booking, told under another event
            async with database.autocommit() as tx:
                await tx.execute("UPDATE ours.message SET key = 'another'")
        assert await book(at_once=at_once, channel=channel)
        assert not await book(at_once=at_once, channel=channel)
        left.append(await everything(database))
    assert left[0] == left[1]


async def test_a_move_that_comes_at_the_same_time_is_not_undone(apply: Apply, database: Database) -> None:
    """Whoever is second waits for the recipient's row, and sees how the appointment stands after the first."""
    for _ in range(20):
        appointment_id = uuid4()
        await asyncio.gather(
            apply(BOOKED, appointment_id=appointment_id),
            apply(MOVED, appointment_id=appointment_id, link_generation=2),
        )
        async with database.autocommit() as tx:
            rows = await tx.rows(
                "SELECT kind FROM ours.message WHERE appointment_id = :id AND state = 'pending'", id=appointment_id
            )
            reminders = await tx.rows("SELECT due_at FROM reminder WHERE appointment_id = :id", id=appointment_id)
            recipient = await tx.row(
                "SELECT link_generation, (appointment ->> 'starts_at')::timestamptz AS starts_at FROM ours.recipient"
                " WHERE appointment_id = :id",
                id=appointment_id,
            )
        assert [row["kind"] for row in rows] == ["rescheduled"]
        assert recipient is not None
        assert recipient["link_generation"] == 2
        assert all(row["due_at"] < recipient["starts_at"] for row in reminders)
