"""Two people whose picture goes on, while signaling is away from one of them for longer than the grace."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from chassis.database import Database
from signaling import usecases
from signaling.tickets import Claim


async def test_the_call_is_on_record_again_once_both_are_back_though_no_offer_tells_of_it(
    room: Callable[..., Awaitable[UUID]], database: Database, published: Callable[..., Awaitable[list[dict[str, Any]]]]
) -> None:
    appointment_id, clerk_id, now = await room(), uuid4(), datetime.now(UTC)
    citizen = Claim(
        role="citizen", office="demo", appointment_id=appointment_id, clerk_id=None, generation=1, session="c"
    )
    clerk = Claim(
        role="clerk", office="demo", appointment_id=appointment_id, clerk_id=clerk_id, generation=None, session="k"
    )
    async with database.transaction() as tx:
        await usecases.join(tx, citizen, now=now)
        await usecases.join(tx, clerk, now=now)
        await usecases.admit(tx, appointment_id, "demo", clerk_id, now=now)
        await usecases.start_call(tx, appointment_id, "demo", at=now)
        await usecases.depart(tx, appointment_id, "demo", "citizen", at=now)
        await usecases.depart(tx, appointment_id, "demo", "clerk", at=now)
        await usecases.join(tx, clerk, now=now)
        await usecases.join(tx, citizen, now=now)
    told = [event["subject"].split(".")[1] for event in await published(appointment_id)]
    assert told == [
        "participant_waiting",
        "participant_waiting",
        "admitted",
        "call_started",
        "call_ended",
        "participant_left",
        "participant_left",
        "participant_waiting",
        "participant_waiting",
        "call_started",
    ]
