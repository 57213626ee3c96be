"""The work list: each order's work is its own, whatever becomes of another's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payment import jobs

NOW = datetime(2026, 6, 2, 8, tzinfo=UTC)


@pytest.fixture
async def two(desk: Any, case: Any) -> list[UUID]:
    """Two orders with nothing to do."""
    found = []
    for each in (case, replace(case, appointment_id=uuid4(), case_id=uuid4())):
        await desk.hear(each.requested())
        [row] = await desk.rows("SELECT id FROM payment_order WHERE case_id = :id", id=each.case_id)
        found.append(row["id"])
    await desk.rows("DELETE FROM order_job RETURNING 1")
    return found


@pytest.mark.parametrize("again", [False, True], ids=["once", "a reason came meanwhile"])
@pytest.mark.parametrize("how", ["finished", "postponed"])
async def test_what_becomes_of_an_orders_work_is_nothing_to_another(
    desk: Any, two: list[UUID], how: str, again: bool
) -> None:
    ours, other = two
    async with desk.settlement.database.transaction() as tx:
        job, theirs = [await jobs.take(tx, order, NOW) for order in (ours, other)]
        if again:
            for order in two:
                await jobs.enqueue(tx, order, NOW)
    [before] = await desk.rows("SELECT * FROM order_job WHERE order_id = :id", id=theirs.order_id)
    async with desk.settlement.database.transaction() as tx:
        if how == "finished":
            await jobs.finish(tx, job)
        else:
            await jobs.postpone(tx, job, "ProviderAway", NOW)
    assert await desk.rows("SELECT * FROM order_job WHERE order_id = :id", id=other) == [before]
    left = await desk.rows("SELECT leased_until, due_at FROM order_job WHERE order_id = :id", id=ours)
    assert all(row["leased_until"] is None for row in left), "whoever comes next may take it"
    due = {
        ("finished", False): [],
        ("postponed", False): [NOW + timedelta(seconds=2)],
    }.get((how, again), [NOW])
    assert [row["due_at"] for row in left] == due
