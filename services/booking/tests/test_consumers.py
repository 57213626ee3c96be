"""The bus door: every sample, delivered twice, has one effect."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from booking.consumers import CONSUMERS
from chassis.consumer import Consumer, process
from chassis.database import Database
from contracts.signaling import ClerksPresent
from contracts.topology import CONSUMES, durable

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ENDINGS = [consumer for consumer in CONSUMERS if consumer.event.SUBJECT.startswith("casework.")]
CALLS = [
    consumer
    for consumer in CONSUMERS
    if consumer.event.SUBJECT.startswith("signaling.") and consumer.event is not ClerksPresent
]


async def deliver(database: Database, consumer: Consumer[Any], event: Any, meta: Any) -> bool:
    return await process(database, durable("booking", consumer.event), consumer, event, meta, clock=lambda: NOW)


async def insert(database: Database, event: Any, state: str = "booked", office: str | None = None) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at)
            VALUES (:id, :office, 'DE-7K3M9Q', 0, :start, :end, :state, '[]', 'Erika',
                    'erika@example.org', 'de', 1, :start, :start)
            """,
            id=event.appointment_id,
            office=office or event.office,
            state=state,
            start=NOW,
            end=NOW + timedelta(minutes=5),
        )


async def test_everything_that_topology_promises_is_consumed() -> None:
    assert {consumer.event for consumer in CONSUMERS} == set(CONSUMES["booking"])


@pytest.mark.parametrize(
    ("subject", "changes", "state", "published"),
    [
        ("casework.case_completed.v1", {}, "completed", []),
        ("casework.case_aborted.v1", {"reason": "technical"}, "aborted", []),
        ("casework.case_aborted.v1", {"reason": "citizen_absent"}, "no_show", ["booking.no_show.v1"]),
    ],
)
async def test_a_sample_delivered_twice_marks_the_appointment_once(
    database: Database, client: object, stored: Any, samples: Any, subject: str, changes: dict[str, str], state: str,
    published: list[str],
) -> None:  # fmt: skip
    meta, event = samples[subject]
    (consumer,) = (consumer for consumer in CONSUMERS if subject == consumer.event.SUBJECT)
    event = event.model_copy(update=changes)
    await insert(database, event)
    assert [await deliver(database, consumer, event, meta) for _ in range(2)] == [True, False]
    (appointment,) = await stored("appointment")
    assert appointment["state"] == state
    assert appointment["link_generation"] == 1  # the citizen may still look at it
    assert [row["subject"] for row in await stored("outbox")] == published


async def test_what_a_call_took_is_added_up_and_began_when_it_first_did(
    database: Database, client: object, stored: Any, samples: Any
) -> None:
    began, ended = (next(c for c in CALLS if f"signaling.call_{x}.v1" == c.event.SUBJECT) for x in ("started", "ended"))
    meta, event = samples["signaling.call_started.v1"]
    await insert(database, event)
    for minutes in (0, 0, 5):  # the last one is another event: the call broke off and went on
        again = event.model_copy(update={"started_at": event.started_at + timedelta(minutes=minutes)})
        await deliver(database, began, again, meta if not minutes else meta.model_copy(update={"id": uuid4()}))
    meta, event = samples["signaling.call_ended.v1"]
    for which in (meta, meta, meta.model_copy(update={"id": uuid4()})):
        await deliver(database, ended, event, which)
    (appointment,) = await stored("appointment")
    assert appointment["call_started_at"] == samples["signaling.call_started.v1"][1].started_at
    assert appointment["talk_seconds"] == 2 * event.seconds


async def test_who_is_there_is_what_was_said_last(
    database: Database, client: object, stored: Any, samples: Any
) -> None:
    (heard,) = (consumer for consumer in CONSUMERS if consumer.event is ClerksPresent)
    meta, event = samples["signaling.clerks_present.v1"]
    assert [await deliver(database, heard, event, meta) for _ in range(2)] == [True, False]
    earlier = event.model_copy(update={"clerks": (), "at": event.at - timedelta(seconds=1)})
    await deliver(database, heard, earlier, meta.model_copy(update={"id": uuid4()}))
    (row,) = await stored("clerks_present")
    assert (row["office"], tuple(row["clerks"]), row["said_at"]) == (event.office, event.clerks, event.at)


@pytest.mark.parametrize("consumer", ENDINGS, ids=lambda consumer: consumer.event.SUBJECT)
@pytest.mark.parametrize("state", ["cancelled", "completed", "aborted"])
async def test_what_has_ended_stays_as_it_is(
    database: Database, client: object, stored: Any, samples: Any, consumer: Consumer[Any], state: str
) -> None:
    meta, event = samples[consumer.event.SUBJECT]
    await insert(database, event, state)
    await deliver(database, consumer, event, meta)
    assert [row["state"] for row in await stored("appointment")] == [state]


@pytest.mark.parametrize("consumer", ENDINGS + CALLS, ids=lambda consumer: consumer.event.SUBJECT)
async def test_an_event_of_another_office_or_an_unknown_appointment_changes_nothing(
    database: Database, client: object, stored: Any, samples: Any, consumer: Consumer[Any]
) -> None:
    meta, event = samples[consumer.event.SUBJECT]
    ours = event.model_copy(update={"appointment_id": uuid4()})
    await insert(database, ours, office="heidelberg")
    before = await stored("appointment")
    for told in (ours.model_copy(update={"office": "demo"}), event):
        await deliver(database, consumer, told, meta.model_copy(update={"id": uuid4()}))
    assert await stored("appointment") == before
