"""Every route about an appointment's messages, read from the application, asked by another office; its events, too."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
from routes import body_of, routes

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.booking import BookingCompleted
from contracts.topology import CONSUMES
from notify.errors import UnknownRecipient

BOOKED = "booking.completed.v1"


async def test_of_another_offices_messages_there_are_none(
    client: httpx.AsyncClient,
    apply: Callable[..., Awaitable[bool]],
    database: Database,
    clerk_token: Callable[..., str],
    clock: Any,
) -> None:
    """The ids are right, the rank is the highest; yet what another office has written does not exist."""
    await apply(BOOKED)
    async with database.transaction() as tx:
        before = await tx.rows("SELECT * FROM ours.message")
    app = client._transport.app  # type: ignore[attr-defined] # the fixture's own
    asked = [route for route in routes(app) if "{appointment_id}" in route.path]
    assert len(asked) >= 2
    seen = dict[str, list[int]]()
    for office in ("heidelberg", before[0]["office"]):
        headers = {"Authorization": f"Bearer {clerk_token(office, role='admin', now=clock())}"}
        for route in asked:
            path = route.path.format(appointment_id=before[0]["appointment_id"], message_id=before[0]["id"])
            answer = await client.request(
                route.method,
                f"http://notify{path}",
                headers=headers | {"Idempotency-Key": uuid4().hex},
                json=body_of(app, route),
            )
            seen.setdefault(office, []).append(answer.status_code)
            if office == "heidelberg":
                assert before[0]["context"]["reference"] not in answer.text
        async with database.transaction() as tx:
            if office == "heidelberg":
                assert await tx.rows("SELECT * FROM ours.message") == before
    assert set(seen["heidelberg"]) == {404}
    assert 404 not in seen[before[0]["office"]]


@pytest.mark.parametrize("subject", sorted(kind.SUBJECT for kind in CONSUMES["notify"]))
async def test_what_another_office_says_of_our_appointment_changes_nothing(
    apply: Callable[..., Awaitable[bool]], database: Database, samples: Mapping[str, tuple[Meta, Event]], subject: str
) -> None:
    """The id is right, the office is not: who is written to, and what, stays as it is."""
    await apply(BOOKED)
    ours = samples[BOOKED][1]
    assert isinstance(ours, BookingCompleted)
    before = await _everything(database, ours.office)
    event = samples[subject][1]
    later = {"link_generation": 9} if "link_generation" in type(event).model_fields else {}
    with suppress(UnknownRecipient):
        await apply(subject, office="heidelberg", appointment_id=ours.appointment_id, **later)
    assert await _everything(database, ours.office) == before


async def _everything(database: Database, office: str) -> list[Any]:
    async with database.transaction() as tx:
        told = [
            await tx.rows(f"SELECT * FROM ours.{table} WHERE office = :office ORDER BY 1", office=office)  # noqa: S608
            for table in ("recipient", "message")
        ]
        return [*told, await tx.rows("SELECT * FROM reminder ORDER BY 1")]
