"""A message is sent by one process alone, and by another soon after that one has died (F5)."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.smtp import SMTP
from mail_server import smtp_server

from chassis.consumer import Consumer, process, process_together
from chassis.database import Database, Transaction
from contracts.base import Event, Meta
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import claims, sending, usecases
from notify.claims import Owner
from notify.consumers import consumers
from notify.delivery import CONNECTIONS, Smtp
from notify.mail import Composer
from notify.model import Claim
from notify.sender import Sender
from notify.settings import Settings
from simulators.mail.mailbox import Mailbox

BOOKED = "booking.completed.v1"
Apply = Callable[..., Awaitable[bool]]
Make = Callable[[], Sender]

#: A process that claims what is due, as a sender does, and says so.
DIES_WITH_CLAIMS = """
import asyncio, sys
from datetime import UTC, datetime
from chassis.database import Database
from notify import usecases
from notify.claims import Owner

async def main() -> None:
    database, owner, in_hand = Database(sys.argv[1]), Owner(), set()
    async with owner.living(database, in_hand, lambda: datetime.now(UTC), lambda: None):
        in_hand |= {message.id for message in await usecases.claim_due(database, datetime.now(UTC), by=owner.id)}
        print(len(in_hand), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


class Slow(Mailbox):
    """A mail server that says its 250 when told to."""

    def __init__(self) -> None:
        super().__init__(100)
        self.may = asyncio.Event()
        self.asked = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.asked += 1
        await self.may.wait()
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
async def mailbox() -> Slow:
    return Slow()


@pytest.fixture
async def make(settings: Settings, offices: Mapping[str, Office], mailbox: Slow, clock: Any) -> AsyncIterator[Make]:
    async with smtp_server(mailbox) as port:
        reached = settings.model_copy(update={"smtp_port": port})
        composer = Composer(offices, load_catalogue(), public_origin="http://x", sender="A <a@town.example>")
        yield lambda: Sender(composer, Smtp(reached), clock)


@asynccontextmanager
async def running(sender: Sender, database: Database) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run(database))
    try:
        await until(lambda: sender._owner.held)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.01)


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.autocommit() as tx:
        return await tx.rows("SELECT * FROM ours.message ORDER BY created_at")


async def settled(database: Database) -> bool:
    return all(row["state"] == "delivered" for row in await rows(database))


@pytest.fixture
def handed(
    database: Database, clock: Any, samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office]
) -> Callable[..., Awaitable[None]]:
    """`await handed(sender, count)`: so many bookings arrive where `sender` sends, one by one or together."""

    async def handed(sender: Sender, count: int = 1, *, together: bool = False) -> None:
        meta, event = samples[BOOKED]
        consumer: Consumer[Any] = next(c for c in consumers(offices, clock, sender) if c.event is type(event))
        read = [
            (event.model_copy(update={"appointment_id": uuid4()}), meta.model_copy(update={"id": uuid4()}))
            for _ in range(count)
        ]
        if together:
            await process_together(database, "notify", consumer, read, clock=clock)
        for one in () if together else read:
            await process(database, "notify", consumer, *one, clock=clock)

    return handed


async def test_what_a_killed_process_had_claimed_is_sent_long_before_its_lease_ends(
    apply: Apply, database: Database, make: Make, mailbox: Slow, clock: Any
) -> None:
    """kill -9 of a real process; nobody turns the clock."""
    mailbox.may.set()
    await apply(BOOKED)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES_WITH_CLAIMS, database.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert int(await process.stdout.readline()) == 1
        async with running(make(), database):
            await asyncio.sleep(claims.PATIENCE_SECONDS + 2)
            assert not mailbox.all(), "its owner lives"
            process.kill()
            await process.wait()
            await until(lambda: settled(database))
    finally:
        if process.returncode is None:
            process.kill()
    assert len(mailbox.all()) == 1
    (row,) = await rows(database)
    assert row["tries"] == 2


async def test_what_is_on_the_wire_stays_its_senders_though_postgresql_has_forgotten_all_locks(
    apply: Apply, database: Database, make: Make, mailbox: Slow
) -> None:
    """As after its restart: the sender takes its lock again before anybody frees its claims."""
    await apply(BOOKED)
    async with running(make(), database), running(make(), database):
        await until(lambda: mailbox.asked == 1)
        async with database.autocommit() as tx:
            assert await tx.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
        await asyncio.sleep(claims.PATIENCE_SECONDS + 2.5)
        mailbox.may.set()
        await until(lambda: settled(database))
    assert (mailbox.asked, len(mailbox.all())) == (1, 1)


async def test_a_claim_that_its_owner_does_not_know_is_freed(
    apply: Apply, database: Database, make: Make, mailbox: Slow, clock: Any
) -> None:
    """As when the connection breaks while the transaction commits, and nobody learns that it did."""
    mailbox.may.set()
    sender = make()
    async with running(sender, database):
        async with database.transaction() as tx:
            claim = sender.offer(tx, clock())
        assert claim is not None
        await apply(BOOKED)
        async with database.autocommit() as tx:
            await tx.execute(
                "UPDATE ours.message SET next_try_at = :until, claimed_by = :by, claimed_until = :until",
                by=claim.by,
                until=claim.until,
            )
        await until(lambda: settled(database))
    assert len(mailbox.all()) == 1


async def test_a_claim_that_is_given_back_was_no_try(database: Database, apply: Apply, clock: Any) -> None:
    await apply(BOOKED)
    [message] = await usecases.claim_due(database, clock())
    assert await usecases.claim_due(database, clock()) == []
    await usecases.give_back(database, message, clock())
    [again] = await usecases.claim_due(database, clock())
    assert (again.id, again.tries) == (message.id, message.tries)


async def test_a_claim_of_the_version_before_is_nobodys_to_free(database: Database, apply: Apply, clock: Any) -> None:
    """It names no owner, or leaves that of an older claim (F23: old and new code on one schema)."""
    await apply(BOOKED)
    me, dead = uuid4(), uuid4()
    await usecases.claim_due(database, clock(), by=dead)
    async with database.autocommit() as tx:
        assert [one.by for one in await sending.unsure_claims(tx, me, clock())] == [dead]
        await tx.execute("UPDATE ours.message SET next_try_at = :later", later=clock() + timedelta(seconds=80))
        assert await sending.unsure_claims(tx, me, clock()) == []
        await tx.execute("UPDATE ours.message SET claimed_by = NULL, claimed_until = NULL")
        assert await sending.unsure_claims(tx, me, clock()) == []


async def test_nobody_frees_the_claims_of_the_living(database: Database, apply: Apply, clock: Any) -> None:
    await apply(BOOKED)
    owner, me = Owner(), uuid4()
    known: set[UUID] = set()
    async with owner.living(database, known, clock, lambda: None):
        known |= {message.id for message in await usecases.claim_due(database, clock(), by=owner.id)}
        async with database.autocommit() as tx:
            assert await sending.unsure_claims(tx, me, clock()) == []
            (unsure,) = await sending.unsure_claims(tx, owner.id, clock())
            assert await sending.free(tx, [unsure], me, clock()) == 0

    async def freed() -> int:
        async with database.autocommit() as tx:
            return await sending.free(tx, [unsure], me, clock())

    await until(freed)
    assert len(await usecases.claim_due(database, clock())) == 1


async def test_a_booking_is_handed_to_the_sender_under_its_claim_and_sent_once(
    database: Database, make: Make, mailbox: Slow, handed: Callable[..., Awaitable[None]]
) -> None:
    sender = make()
    async with running(sender, database), running(make(), database):
        await handed(sender)
        (row,) = await rows(database)
        assert (row["claimed_by"], row["next_try_at"], row["tries"]) == (sender._owner.id, row["claimed_until"], 1)
        mailbox.may.set()
        await until(lambda: settled(database))

        async def let_go() -> bool:
            return not sender._in_hand

        await until(let_go)
    assert len(mailbox.all()) == 1


async def test_what_is_handed_over_goes_to_the_address_that_a_clerk_has_put_right(
    database: Database, make: Make, mailbox: Slow, apply: Apply, clock: Any,
    samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office],
) -> None:  # fmt: skip
    """It was written to the other one, before the database said so."""
    mailbox.may.set()
    await apply("booking.rescheduled.v1", link_generation=1)
    async with database.autocommit() as tx:
        await tx.execute("DELETE FROM ours.message")
        await tx.execute("UPDATE ours.recipient SET corrected_email = 'right@example.org'")
    meta, event = samples[BOOKED]
    sender = make()
    consumer: Consumer[Any] = next(c for c in consumers(offices, clock, sender) if c.event is type(event))
    async with running(sender, database):
        await process(database, "notify", consumer, event, meta, clock=clock)
        assert [row["recipient"] for row in await rows(database)] == ["right@example.org"]
        await until(lambda: settled(database))
    assert [mail.recipients for mail in mailbox.all()] == [("right@example.org",)]


@pytest.mark.parametrize("together", [False, True])
async def test_no_more_are_handed_over_than_can_be_sent_at_once(
    database: Database, make: Make, mailbox: Slow, handed: Callable[..., Awaitable[None]], together: bool
) -> None:
    """The rest waits in the table, for whoever has time."""
    sender = make()
    async with running(sender, database):
        await handed(sender, 3 * CONNECTIONS, together=together)
        offered = [row for row in await rows(database) if row["tries"] and row["claimed_until"]]
        assert len(offered) >= CONNECTIONS
        mailbox.may.set()
        await until(lambda: settled(database))
    assert len({mail.message_id for mail in mailbox.all()}) == len(mailbox.all()) == 3 * CONNECTIONS


async def test_what_is_not_committed_is_not_sent(
    database: Database, make: Make, mailbox: Slow, clock: Any, monkeypatch: pytest.MonkeyPatch,
    handed: Callable[..., Awaitable[None]],
) -> None:  # fmt: skip
    """And its lanes are free for others."""
    mailbox.may.set()
    sender = make()
    promise = sender.promise

    def fail_late(tx: Transaction, message: Any) -> None:
        promise(tx, message)
        raise RuntimeError("late")

    async with running(sender, database):
        monkeypatch.setattr(sender, "promise", fail_late)
        for _ in range(2 * CONNECTIONS):
            with pytest.raises(RuntimeError, match="late"):
                await handed(sender)
        monkeypatch.undo()
        assert await rows(database) == []
        async with database.transaction() as tx:
            assert isinstance(sender.offer(tx, clock()), Claim)
        await handed(sender)
        await until(lambda: settled(database))
    assert len(mailbox.all()) == 1


async def test_who_is_not_seen_to_live_claims_nothing(database: Database, make: Make, clock: Any) -> None:
    async with database.transaction() as tx:
        assert make().offer(tx, clock()) is None
