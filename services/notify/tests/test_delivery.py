"""From the event to the mail server: once, over outages, and given up only when told."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import dkim
import pytest
from aiosmtpd.smtp import SMTP
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from mail_server import ALL_EXTENSIONS, smtp_server
from pydantic import SecretStr, ValidationError

from chassis.consumer import process
from chassis.database import Database
from contracts.base import Event, Meta
from contracts.catalogue import load_catalogue
from contracts.notify import MessageKind
from contracts.offices import Office
from contracts.topology import CONSUMES
from notify import usecases
from notify.consumers import Queued, consumers
from notify.delivery import Smtp
from notify.mail import Composer
from notify.model import Trouble, next_try
from notify.rate_limit import Pace
from notify.sender import Sender
from notify.settings import Settings
from simulators.mail.mailbox import Mailbox

Apply = Callable[[str], Awaitable[bool]]


@pytest.fixture(params=ALL_EXTENSIONS, ids="-".join)
def mailbox(request: pytest.FixtureRequest) -> Mailbox:
    return Mailbox(100, extensions=request.param)


@pytest.fixture
async def port(mailbox: Mailbox) -> AsyncIterator[int]:
    async with smtp_server(mailbox) as port:
        yield port


@pytest.fixture
def make_sender(
    offices: Mapping[str, Office], offices_dir: Path, database_url: str, clock: Any
) -> Callable[[int], Sender]:
    def make(port: int) -> Sender:
        settings = Settings(
            environment="development",
            database_url=database_url,
            nats_url="nats://unused",
            clerk_public_key="unused",
            public_url="http://localhost:8080",
            offices_dir=offices_dir,
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
        )
        composer = Composer(offices, load_catalogue(), public_origin=settings.public_origin, sender=settings.mail_from)
        return Sender(composer, Smtp(settings), clock)

    return make


@asynccontextmanager
async def running(sender: Sender, database: Database) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def states(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT kind, state FROM ours.message ORDER BY created_at, kind")
    return [(row["kind"], row["state"]) for row in rows]


async def published(database: Database) -> list[str]:
    async with database.transaction() as tx:
        return [row["subject"] for row in await tx.rows("SELECT subject FROM outbox ORDER BY id")]


KINDS = {
    "booking.completed.v1": "confirmation",
    "booking.rescheduled.v1": "rescheduled",
    "booking.contact_changed.v1": "confirmation",
    "booking.cancelled.v1": "cancellation",
    "booking.no_show.v1": "no_show",
    "booking.confirmation_asked.v1": "confirm_address",
    "booking.link_asked.v1": "link",
    "booking.waiting_joined.v1": "waiting_list",
    "booking.waiting_ended.v1": "waiting_over",
    "booking.slot_offered.v1": "slot_offer",
    "casework.case_completed.v1": "completion",
    "payment.captured.v1": "receipt",
    "payment.refunded.v1": "refund",
}


def test_every_kind_of_message_comes_from_an_event_and_every_event_is_consumed() -> None:
    silent = {"booking.erased.v1", "booking.resumed.v1", "booking.reminders_chosen.v1", "casework.case_aborted.v1"}
    assert {event.SUBJECT for event in CONSUMES["notify"]} == {*KINDS, *silent}
    # Reminders come from the clock.
    assert {*KINDS.values(), "reminder"} == set(get_args(MessageKind))


@pytest.mark.parametrize("subject", KINDS)
async def test_every_consumed_sample_twice_makes_one_message(apply: Apply, database: Database, subject: str) -> None:
    if subject.startswith("payment."):
        await apply("booking.completed.v1")
    assert await apply(subject)
    once = await states(database)
    assert not await apply(subject)
    assert await states(database) == once
    assert (KINDS[subject], "pending") in once


async def test_the_same_cause_under_another_delivery_makes_no_second_message(
    database: Database, clock: Any, samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office]
) -> None:
    """As when events are replayed into an inbox that was restored without its rows (the key still knows)."""
    meta, event = samples["booking.completed.v1"]
    consumer = next(c for c in consumers(offices, clock, Queued()) if c.event is type(event))
    for name in ("notify", "notify-restored"):
        await process(database, name, consumer, event, meta, clock=clock)
    assert await states(database) == [("confirmation", "pending")]


async def test_a_booking_becomes_a_mail_and_an_event(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int
) -> None:
    await apply("booking.completed.v1")
    async with running(make_sender(port), database):
        await until(lambda: _settled(database))
    (mail,) = mailbox.all()
    assert mail.recipients == ("amelie@example.org",)
    assert any("/demo/appointment#" in link for link in mail.links)
    assert await states(database) == [("confirmation", "delivered")]
    assert await published(database) == ["notify.delivered.v1"]


async def _settled(database: Database) -> bool:
    return all(state != "pending" for _, state in await states(database))


async def test_a_deferring_server_gets_the_same_mail_later(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int, clock: Any
) -> None:
    await apply("booking.completed.v1")
    mailbox.behave("defer")
    sender = make_sender(port)

    async def tried() -> bool:
        async with database.transaction() as tx:
            row = await tx.row("SELECT trouble FROM ours.message")
        return row is not None and row["trouble"] == "deferred"

    async with running(sender, database):
        await until(tried)
        mailbox.behave("none")
        clock.now += timedelta(minutes=1)
        sender.wake()
        await until(lambda: _settled(database))
    assert len(mailbox.all()) == 1


async def test_a_server_that_hangs_up_before_its_250_gets_the_same_message_id_again(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int, clock: Any
) -> None:
    await apply("booking.completed.v1")
    mailbox.behave("drop")
    sender = make_sender(port)

    async def dropped() -> bool:
        async with database.transaction() as tx:
            row = await tx.row("SELECT trouble FROM ours.message")
        return row is not None and row["trouble"] == "unreachable"

    async with running(sender, database):
        await until(dropped)
        mailbox.behave("none")
        clock.now += timedelta(seconds=2)
        sender.wake()
        await until(lambda: _settled(database))
    assert len({mail.message_id for mail in mailbox.all()}) == 1


async def test_a_database_that_knows_nothing_of_the_hand_over_sends_the_same_mail(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int
) -> None:
    """As after a restore: the second copy carries the Message-ID by which mail servers and readers know it."""
    for _ in range(2):
        async with database.transaction() as tx:
            await tx.execute("TRUNCATE message, recipient, reminder, inbox, outbox")
        await apply("booking.completed.v1")
        async with running(make_sender(port), database):
            await until(lambda: _settled(database))
    first, second = mailbox.all()
    assert first.message_id == second.message_id


async def test_a_refusal_is_final_and_told(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int
) -> None:
    await apply("booking.completed.v1")
    mailbox.behave("refuse")
    async with running(make_sender(port), database):
        await until(lambda: _settled(database))
    assert await states(database) == [("confirmation", "failed")]
    assert await published(database) == ["notify.failed.v1"]


async def test_a_server_that_is_away_is_waited_for(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], clock: Any
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await apply("booking.completed.v1")
    sender = make_sender(port)

    async def unreachable() -> bool:
        async with database.transaction() as tx:
            row = await tx.row("SELECT trouble FROM ours.message")
        return row is not None and row["trouble"] == "unreachable"

    async with running(sender, database):
        await until(unreachable)
        async with smtp_server(mailbox, port):
            clock.now += timedelta(seconds=2)
            sender.wake()
            await until(lambda: _settled(database))
    assert len(mailbox.all()) == 1


async def test_two_senders_send_each_mail_once(
    database: Database,
    mailbox: Mailbox,
    make_sender: Callable[[int], Sender],
    port: int,
    clock: Any,
    samples: Mapping[str, tuple[Meta, Event]],
    offices: Mapping[str, Office],
) -> None:
    meta, event = samples["booking.completed.v1"]
    consumer = next(c for c in consumers(offices, clock, Queued()) if c.event is type(event))
    for _ in range(30):
        fresh = meta.model_copy(update={"id": uuid4()})
        await process(database, "notify", consumer, event, fresh, clock=clock)
    async with running(make_sender(port), database), running(make_sender(port), database):
        await until(lambda: _settled(database))
    ids = [mail.message_id for mail in mailbox.all()]
    assert len(ids) == len(set(ids)) == 30


def test_production_refuses_to_send_links_unencrypted(database_url: str, offices_dir: Path) -> None:
    with pytest.raises(ValidationError, match="SECURITY"):
        Settings(
            environment="production",
            database_url=database_url,
            nats_url="nats://unused",
            clerk_public_key="unused",
            public_url="https://schalter.example",
            offices_dir=offices_dir,
            smtp_host="127.0.0.1",
            smtp_security="none",
        )


async def test_a_slow_mail_holds_up_no_other(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], clock: Any
) -> None:
    """The first mail is kept waiting for ever; the others go out over other connections."""
    stuck = asyncio.Event()

    class Slow(Mailbox):
        async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
            if not stuck.is_set():
                stuck.set()
                await asyncio.Event().wait()
            return await super().handle_DATA(server, session, envelope)

    slow = Slow(100)
    for subject in ("booking.completed.v1", "payment.captured.v1", "casework.case_completed.v1"):
        await apply(subject)

    async def two() -> bool:
        return len(slow.all()) == 2

    async with smtp_server(slow) as port, running(make_sender(port), database):
        await until(two)


async def test_no_more_mails_a_second_than_the_server_takes() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(100)
    begun = loop.time()
    for _ in range(320):  # three seconds' worth at once, the rest at a hundred a second
        await pace.turn()
    assert 0.15 <= loop.time() - begun < 5


def test_what_failed_together_does_not_come_back_together() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    waits = {next_try(Trouble.UNREACHABLE, 4, now, spread=chance / 10) for chance in range(11)}
    assert len(waits) == 11
    assert min(waits, key=str) == now + timedelta(seconds=60)
    assert max(waits, key=str) == now + timedelta(seconds=75)


def test_who_says_later_is_not_asked_again_at_once() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    deferred, unreachable = next_try(Trouble.DEFERRED, 1, now), next_try(Trouble.UNREACHABLE, 1, now)
    assert (deferred, unreachable) == (now + timedelta(seconds=30), now + timedelta(seconds=1))


async def test_mails_are_signed_and_the_receiver_can_tell(
    apply: Apply, database: Database, settings: Settings, offices: Mapping[str, Office], clock: Any
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    raw: list[bytes] = []

    class Keeping(Mailbox):
        async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
            raw.append(envelope.original_content)
            return await super().handle_DATA(server, session, envelope)

    mailbox = Keeping(10)
    await apply("booking.completed.v1")
    async with smtp_server(mailbox) as port:
        signing = settings.model_copy(
            update={
                "smtp_port": port,
                "dkim_domain": "town.example",
                "dkim_selector": "s1",
                "dkim_private_key": SecretStr(pem),
            }
        )
        composer = Composer(offices, load_catalogue(), public_origin="http://x", sender="A <a@town.example>")
        async with running(Sender(composer, Smtp(signing), clock), database):
            await until(lambda: _settled(database))

    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"s1._domainkey.town.example."
        return record

    assert dkim.verify(raw[0], dnsfunc=dns)
    assert not dkim.verify(raw[0].replace(b"Subject: ", b"Subject: Forged: "), dnsfunc=dns)
    assert not dkim.verify(raw[0] + b"one more line\r\n", dnsfunc=dns)
    (mail,) = mailbox.all()
    assert "Amélie Müller-Yılmaz" in mail.text


async def test_an_address_in_another_alphabet_gets_its_mail(
    apply: Apply, database: Database, mailbox: Mailbox, make_sender: Callable[[int], Sender], port: int
) -> None:
    await apply("booking.completed.v1")
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET recipient = 'jürgen@example.org'")
    async with running(make_sender(port), database):
        await until(lambda: _settled(database))
    (mail,) = mailbox.all()
    assert mail.recipients == ("jürgen@example.org",)


def test_a_key_without_its_name_is_refused(settings: Settings) -> None:
    with pytest.raises(ValidationError, match="go together"):
        Settings.model_validate(settings.model_dump() | {"dkim_domain": "town.example"})


async def test_a_database_that_is_away_after_the_final_250_makes_no_second_copy(
    apply: Apply,
    database: Database,
    mailbox: Mailbox,
    make_sender: Callable[[int], Sender],
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle, failures = usecases.settle_delivered, [ConnectionResetError(), ConnectionResetError()]

    async def away_at_first(*given: Any) -> None:
        if failures:
            raise failures.pop()
        await settle(*given)

    monkeypatch.setattr(usecases, "settle_delivered", away_at_first)
    await apply("booking.completed.v1")
    async with running(make_sender(port), database):
        await until(lambda: _settled(database))
    assert not failures
    assert len(mailbox.all()) == 1
