"""A mail is told under the ids of what it was queued for, also when it leaves long after its event."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from chassis import traces
from chassis.database import Database
from notify import usecases

BOOKED = "booking.completed.v1"
CARRIED = {
    "correlation_id": "abcdefgh12345678",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


async def test_what_is_queued_keeps_what_its_event_carried(
    apply: Callable[..., Awaitable[bool]], database: Database
) -> None:
    with traces.carrying(CARRIED):
        await apply(BOOKED)
    (due,) = await usecases.claim_due(database, datetime.now(UTC) + timedelta(days=1))
    assert due.carried == CARRIED
    assert CARRIED["correlation_id"] not in json.dumps(due.context), "nothing of it is written to anybody"


async def test_what_carries_nothing_is_sent_all_the_same(
    apply: Callable[..., Awaitable[bool]], database: Database
) -> None:
    await apply(BOOKED)
    (due,) = await usecases.claim_due(database, datetime.now(UTC) + timedelta(days=1))
    assert not due.carried
