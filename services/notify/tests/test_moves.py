"""Appointments that move, are off or forgotten before their mails went out: nobody gets a mail with a dead link."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from chassis.database import Database
from notify import usecases

Apply = Callable[..., Awaitable[bool]]
Sent = Callable[[], Awaitable[list[tuple[str, str]]]]
BOOKED, MOVED, OFF = "booking.completed.v1", "booking.rescheduled.v1", "booking.cancelled.v1"
MISSED, OFFERED, FORGOTTEN = "booking.no_show.v1", "booking.slot_offered.v1", "booking.erased.v1"
RESUMED, ABORTED = "booking.resumed.v1", "casework.case_aborted.v1"


@pytest.fixture
def messages(database: Database) -> Sent:
    """`await messages()`: kind and state of every message, sorted."""

    async def read() -> list[tuple[str, str]]:
        async with database.transaction() as tx:
            rows = await tx.rows("SELECT kind, state FROM ours.message")
        return sorted((row["kind"], row["state"]) for row in rows)

    return read


async def contexts(database: Database, kind: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT context FROM ours.message WHERE kind = :kind", kind=kind)
    return [row["context"] for row in rows]


async def test_moved_before_the_confirmation_went_out_the_new_mail_replaces_it(apply: Apply, messages: Sent) -> None:
    await apply(BOOKED)
    await apply(MOVED)
    assert await messages() == [("confirmation", "dropped"), ("rescheduled", "pending")]


async def test_what_has_been_delivered_stays_delivered(apply: Apply, database: Database, messages: Sent) -> None:
    await apply(BOOKED)
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET state = 'delivered'")
    await apply(MOVED)
    assert await messages() == [("confirmation", "delivered"), ("rescheduled", "pending")]


async def test_a_confirmation_that_its_move_overtook_is_never_sent(apply: Apply, messages: Sent) -> None:
    await apply(MOVED)
    await apply(BOOKED)
    assert await messages() == [("rescheduled", "pending")]


async def test_of_several_moves_only_the_newest_is_told_in_whatever_order_they_arrive(
    apply: Apply, database: Database, messages: Sent
) -> None:
    for order in permutations((2, 3, 4)):
        appointment_id = uuid4()
        for generation in order:
            await apply(MOVED, appointment_id=appointment_id, link_generation=generation)
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT context ->> 'generation' AS generation FROM ours.message"
                " WHERE state = 'pending' AND appointment_id = :id",
                id=appointment_id,
            )
        assert [row["generation"] for row in rows] == ["4"], order


@pytest.mark.parametrize(("end", "told"), [(OFF, "cancellation"), (MISSED, "no_show")])
async def test_off_before_the_confirmation_went_out_only_the_end_is_told(
    apply: Apply, messages: Sent, end: str, told: str
) -> None:
    await apply(BOOKED)
    await apply(OFFERED)
    await apply(end)
    assert await messages() == sorted([("confirmation", "dropped"), ("slot_offer", "dropped"), (told, "pending")])


async def test_a_quiet_cancellation_ends_everything_and_mails_nothing(apply: Apply, messages: Sent) -> None:
    await apply(BOOKED)
    await apply(OFF, quiet=True)
    await apply(MOVED)
    assert await messages() == [("confirmation", "dropped")]


@pytest.mark.parametrize("end", [OFF, MISSED])
async def test_what_the_end_overtook_is_never_sent(apply: Apply, messages: Sent, end: str) -> None:
    await apply(end)
    for late in (BOOKED, MOVED, OFFERED):
        await apply(late)
    assert [kind for kind, _ in await messages()] in (["cancellation"], ["no_show"])


async def test_events_at_the_same_moment_leave_one_mail_with_a_living_link(apply: Apply, database: Database) -> None:
    for _ in range(10):
        appointment_id = uuid4()
        told = [(BOOKED, 1), (MOVED, 2), (MOVED, 3)]
        await asyncio.gather(
            *(apply(subject, appointment_id=appointment_id, link_generation=number) for subject, number in told)
        )
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT context ->> 'generation' AS generation FROM ours.message"
                " WHERE state = 'pending' AND appointment_id = :id",
                id=appointment_id,
            )
        assert [row["generation"] for row in rows] == ["3"]


async def test_forgotten_at_the_same_moment_as_everything_else_is_forgotten(apply: Apply, database: Database) -> None:
    for _ in range(10):
        appointment_id = uuid4()
        told = (BOOKED, MOVED, OFF, OFFERED, FORGOTTEN)
        await asyncio.gather(*(apply(subject, appointment_id=appointment_id) for subject in told))
        async with database.transaction() as tx:
            pending = await tx.rows(
                "SELECT kind FROM ours.message WHERE appointment_id = :id AND (state = 'pending' OR recipient <> '')",
                id=appointment_id,
            )
            known = await tx.rows("SELECT email FROM ours.recipient WHERE appointment_id = :id", id=appointment_id)
        assert (pending, [row["email"] for row in known]) == ([], [""])


async def test_the_cancellation_comes_after_every_move_in_the_calendar(apply: Apply, database: Database) -> None:
    await apply(BOOKED)
    await apply(MOVED, link_generation=4)
    await apply(OFF)
    (context,) = await contexts(database, "cancellation")
    assert context["generation"] == 4


async def test_after_the_call_the_mails_lead_to_the_newest_link(apply: Apply, database: Database, samples: Any) -> None:
    for subject in (BOOKED, MOVED, "casework.case_completed.v1", "payment.captured.v1"):
        await apply(subject)
    newest = samples[MOVED][1].link_token
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT kind, context ->> 'link_token' AS link FROM ours.message WHERE kind IN ('completion', 'receipt')"
        )
    assert {row["kind"]: row["link"] for row in rows} == {"completion": newest, "receipt": newest}


async def test_the_newest_address_gets_the_receipt(apply: Apply, database: Database, samples: Any) -> None:
    citizen = samples[MOVED][1].citizen.model_copy(update={"email": "new@example.org", "language": "en"})
    await apply(MOVED, citizen=citizen)
    await apply(BOOKED)
    await apply("payment.captured.v1")
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT recipient, language FROM ours.message WHERE kind = 'receipt'")
    assert (row["recipient"], row["language"]) == ("new@example.org", "en")


async def test_persons_and_needs_reach_the_mail(apply: Apply, database: Database, samples: Any) -> None:
    services = tuple(one.model_copy(update={"persons": 3}) for one in samples[BOOKED][1].services)
    await apply(BOOKED, services=services, needs=("interpreter",), channel="office")
    (context,) = await contexts(database, "confirmation")
    assert (context["persons"], context["needs"], context["channel"]) == ([3], ["interpreter"], "office")


async def test_a_move_replayed_into_a_restored_inbox_neither_repeats_nor_drops_its_mail(
    apply: Apply, database: Database, messages: Sent
) -> None:
    await apply(MOVED)
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM inbox")
    assert await apply(MOVED)
    assert await messages() == [("rescheduled", "pending")]


async def test_an_offer_is_not_sent_when_it_has_expired(
    apply: Apply, database: Database, messages: Sent, clock: Any
) -> None:
    await apply(OFFERED, expires_at=clock() + timedelta(hours=2))
    clock.now += timedelta(hours=2)
    assert await usecases.claim_due(database, clock()) == []
    assert await messages() == [("slot_offer", "dropped")]


async def test_an_offer_names_the_appointment_if_there_is_one(apply: Apply, database: Database) -> None:
    await apply(BOOKED)
    await apply(OFFERED)
    await apply(OFFERED, appointment_id=uuid4(), current_starts_at=None)
    found = await contexts(database, "slot_offer")
    assert sorted(str(one["reference"]) for one in found) == ["DE-7K3M9Q", "None"]


class TestForgotten:
    PERSONAL = ("Amélie", "Müller", "amelie@", "DE-7K3M9Q", "fuehrungszeugnis", "eyJ")

    async def everything(self, database: Database) -> str:
        async with database.transaction() as tx:
            return str([await tx.rows("SELECT * FROM ours.message"), await tx.rows("SELECT * FROM ours.recipient")])

    async def test_address_name_and_content_go_and_unsent_mail_is_dropped(
        self, apply: Apply, database: Database, messages: Sent
    ) -> None:
        for subject in (BOOKED, "payment.captured.v1"):
            await apply(subject)
        async with database.transaction() as tx:
            await tx.execute("UPDATE ours.message SET state = 'delivered' WHERE kind = 'receipt'")
        await apply(FORGOTTEN)
        stored = await self.everything(database)
        assert [word for word in self.PERSONAL if word in stored] == []
        assert await messages() == [("confirmation", "dropped"), ("receipt", "delivered")]

    async def test_of_nobody_else_anything_is_forgotten(self, apply: Apply, database: Database) -> None:
        other = uuid4()
        await apply(BOOKED)
        await apply(BOOKED, appointment_id=other)
        await apply(FORGOTTEN)
        async with database.transaction() as tx:
            kept = await tx.rows("SELECT appointment_id, state FROM ours.message WHERE recipient <> ''")
            known = await tx.rows("SELECT appointment_id FROM ours.recipient WHERE email <> ''")
            reminded = await tx.rows("SELECT DISTINCT appointment_id FROM reminder")
        assert [(row["appointment_id"], row["state"]) for row in kept] == [(other, "pending")]
        assert [row["appointment_id"] for row in known] == [other]
        assert [row["appointment_id"] for row in reminded] in ([], [other])

    async def test_what_still_arrives_is_written_to_nobody(
        self, apply: Apply, database: Database, messages: Sent
    ) -> None:
        await apply(FORGOTTEN)
        for late in (BOOKED, MOVED, OFF, MISSED, OFFERED, "payment.captured.v1", "casework.case_completed.v1"):
            await apply(late)
        assert await messages() == []
        stored = await self.everything(database)
        assert [word for word in self.PERSONAL if word in stored] == []

    async def test_a_mail_that_was_on_the_wire_is_not_reported_afterwards(
        self, apply: Apply, database: Database, clock: Any
    ) -> None:
        await apply(BOOKED)
        (on_the_wire,) = await usecases.claim_due(database, clock())
        await apply(FORGOTTEN)
        await usecases.settle_delivered(database, on_the_wire, clock())
        async with database.transaction() as tx:
            assert await tx.rows("SELECT 1 FROM outbox") == []

    async def test_another_offices_event_forgets_nothing_here(self, apply: Apply, messages: Sent) -> None:
        await apply(BOOKED)
        await apply(FORGOTTEN, office="heidelberg")
        assert await messages() == [("confirmation", "pending")]


async def test_a_message_of_the_version_before_is_still_sent(database: Database, clock: Any) -> None:
    """Its row lacks what came later (F23: old and new code on one schema)."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO message (id, key, office, appointment_id, kind, cause, recipient, language, context, state,"
            " tries, next_try_at, created_at)"
            " VALUES (:id, 'k', 'demo', :id, 'confirmation', :id, 'a@example.org', 'de', CAST(:context AS jsonb),"
            " 'pending', 0, :now, :now)",
            id=uuid4(),
            context='{"name": "Ada"}',
            now=clock(),
        )
    (claimed,) = await usecases.claim_due(database, clock())
    assert (claimed.context, claimed.valid_until) == ({"name": "Ada"}, None)


async def test_who_came_after_all_is_not_told_that_they_were_missed(
    apply: Apply, messages: Sent, clock: Callable[[], datetime]
) -> None:
    at = clock()
    for order in ((MISSED, RESUMED), (RESUMED, MISSED)):
        appointment_id = uuid4()
        await apply(BOOKED, appointment_id=appointment_id)
        for told in order:
            moment = {"marked_at": at} if told == MISSED else {"resumed_at": at + timedelta(minutes=2)}
            await apply(told, appointment_id=appointment_id, **moment)
    assert [state for kind, state in await messages() if kind == "no_show"] == ["dropped"]


async def test_they_are_written_to_again_as_if_nothing_had_been(
    apply: Apply, database: Database, clock: Callable[[], datetime]
) -> None:
    at = clock()
    await apply(BOOKED)
    await apply(ABORTED, reason="citizen_absent", aborted_at=at)
    await apply(MISSED, marked_at=at)
    await apply(RESUMED, resumed_at=at + timedelta(minutes=2))
    await apply(ABORTED, reason="citizen_absent", aborted_at=at)
    await apply(MISSED, marked_at=at)
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT over, settled FROM ours.recipient")
    assert (row["over"], row["settled"]) == (False, False)


async def test_nobody_who_is_forgotten_is_written_to_by_coming_back(apply: Apply, database: Database) -> None:
    for told in (BOOKED, MISSED, FORGOTTEN, RESUMED):
        await apply(told)
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT over, email FROM ours.recipient")
    assert (row["over"], row["email"]) == (True, "")
