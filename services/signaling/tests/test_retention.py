"""Rooms and calls are erased as long after the appointment as the office says."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.database import Database
from contracts.offices import Retention as ContractsRetention
from signaling.retention import Retention


async def test_rooms_and_their_calls_are_erased_when_their_time_is_over(
    room: Callable[..., Awaitable[UUID]], database: Database, offices: Any
) -> None:
    days = offices["demo"].retention.appointment_days
    old = await room(starts_in=-(days * 24 * 60 + 60))
    young = await room(starts_in=-(days * 24 * 60 - 60))
    async with database.transaction() as tx:
        for appointment_id in (old, young):
            await tx.execute(
                "INSERT INTO calls (appointment_id, office, started_at, ended_at) VALUES (:id, 'demo', :at, :at)",
                id=appointment_id,
                at=datetime.now(UTC) - timedelta(days=days),
            )
    await Retention(offices, database.transaction, lambda: datetime.now(UTC)).erase()
    async with database.transaction() as tx:
        assert [row["appointment_id"] for row in await tx.rows("SELECT appointment_id FROM ours.rooms")] == [young]
        assert [row["appointment_id"] for row in await tx.rows("SELECT appointment_id FROM ours.calls")] == [young]


async def test_so_are_those_of_an_office_whose_file_is_gone(
    room: Callable[..., Awaitable[UUID]], database: Database, offices: Any
) -> None:
    """Nobody says for how many days, so it is for as many as offices that say nothing themselves."""
    days = ContractsRetention().appointment_days
    await room(office="closed-down", starts_in=-(days * 24 * 60 + 60))
    young = await room(office="closed-down", starts_in=-(days * 24 * 60 - 60))
    await Retention(offices, database.transaction, lambda: datetime.now(UTC)).erase()
    async with database.transaction() as tx:
        assert [row["appointment_id"] for row in await tx.rows("SELECT appointment_id FROM ours.rooms")] == [young]
