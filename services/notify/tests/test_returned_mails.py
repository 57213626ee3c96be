"""A mail that comes back after the server's 250 is seen: it failed, and somebody has to call."""

import asyncio
import re
import smtplib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from mail_server import smtp_server
from pydantic import SecretStr, ValidationError

from chassis.database import Database
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import listener, reports, usecases
from notify.delivery import Smtp
from notify.mail import Composer
from notify.model import Trouble
from notify.reports import Outcome
from notify.returning import GOOD_FOR, ReturnAddresses
from notify.sender import Sender
from notify.settings import Settings
from simulators.mail.mailbox import Mailbox
from simulators.mail.returns import Returns, answer_from_holidays, report

Apply = Callable[..., Awaitable[bool]]
ADDRESSES = ReturnAddresses("bounce.example.org", b"a key for tests, 24 characters")


@pytest.fixture
async def port(database: Database, clock: Any) -> AsyncIterator[int]:
    """Of the running listener."""
    async with await listener.listen(ADDRESSES, database, clock, host="127.0.0.1", port=0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def confirmation(apply: Apply, database: Database) -> UUID:
    """The id of a confirmation that the mail server took."""
    await apply("booking.completed.v1")
    async with database.transaction() as tx:
        (row,) = await tx.rows("UPDATE ours.message SET state = 'delivered' RETURNING id")
    return UUID(str(row["id"]))


async def state(database: Database) -> tuple[str, str | None]:
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT state, trouble FROM ours.message")
    return row["state"], row["trouble"]


async def failures(database: Database) -> int:
    async with database.transaction() as tx:
        return len(await tx.rows("SELECT 1 FROM outbox WHERE subject = 'notify.failed.v1'"))


async def hand_over(port: int, back_to: str, content: bytes) -> None:
    await asyncio.to_thread(Returns("127.0.0.1", port).hand_over, back_to, content)


async def test_what_the_server_took_and_gave_back_has_failed(
    apply: Apply,
    database: Database,
    port: int,
    clock: Any,
    settings: Settings,
    offices: Mapping[str, Office],
) -> None:
    mailbox = Mailbox(10, returns=Returns("127.0.0.1", port))
    mailbox.behave("bounce")
    composer = Composer(
        offices,
        load_catalogue(),
        public_origin=settings.public_origin,
        sender=settings.mail_from,
        returning=ADDRESSES,
    )
    await apply("booking.completed.v1")
    async with smtp_server(mailbox) as mail_port:
        sender = Sender(composer, Smtp(settings.model_copy(update={"smtp_port": mail_port})), clock)
        task = asyncio.create_task(sender.run(database))
        async with asyncio.timeout(30):
            while (await state(database))[0] != "failed":
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await state(database) == ("failed", "invalid_address")
    assert await failures(database) == 1


@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("failed", "5.1.1", ("failed", "invalid_address")),
        ("failed", "5.7.1", ("failed", "refused")),
        ("failed", "4.4.7", ("failed", "unreachable")),
        ("delayed", "4.4.1", ("delivered", None)),
        ("relayed", "2.1.9", ("delivered", None)),
    ],
)
async def test_what_a_report_says_decides(
    database: Database, port: int, clock: Any, confirmation: UUID, action: Any, status: str, outcome: tuple[str, Any]
) -> None:
    back_to = ADDRESSES.of(confirmation, clock())
    for _ in range(2):
        await hand_over(port, back_to, report(back_to, "amelie@example.org", action, status))
    assert await state(database) == outcome
    assert await failures(database) == (outcome[0] == "failed"), "and is told once"


async def test_an_answer_from_holidays_is_no_failure(
    database: Database, port: int, clock: Any, confirmation: UUID
) -> None:
    back_to = ADDRESSES.of(confirmation, clock())
    await hand_over(port, back_to, answer_from_holidays(back_to))
    assert await state(database) == ("delivered", None)


async def test_of_whom_is_forgotten_nothing_is_told(
    apply: Apply, database: Database, port: int, clock: Any, confirmation: UUID
) -> None:
    await apply("booking.erased.v1")
    back_to = ADDRESSES.of(confirmation, clock())
    await hand_over(port, back_to, report(back_to, "amelie@example.org"))
    assert (await state(database), await failures(database)) == (("delivered", None), 0)


async def test_made_up_changed_and_old_addresses_are_refused(port: int, clock: Any, confirmation: UUID) -> None:
    good = ADDRESSES.of(confirmation, clock())
    others = ReturnAddresses(ADDRESSES.domain, b"another key, of a stranger")
    refused = [
        others.of(confirmation, clock()),
        ADDRESSES.of(confirmation, clock() - GOOD_FOR - timedelta(days=1)),
        good.replace("bounce.", "elsewhere."),
        f"postmaster@{ADDRESSES.domain}",
        f"b-@{ADDRESSES.domain}",
    ]
    for address in refused:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await hand_over(port, address, report(address, "amelie@example.org"))
    await hand_over(port, good.upper(), report(good, "amelie@example.org"))


async def test_while_the_database_is_away_it_is_to_come_again(
    database: Database, port: int, clock: Any, confirmation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(usecases, "settle_return", away)
    back_to = ADDRESSES.of(confirmation, clock())
    with pytest.raises(smtplib.SMTPDataError) as error:
        await hand_over(port, back_to, report(back_to, "amelie@example.org"))
    assert error.value.smtp_code == 451


async def test_too_much_is_not_taken(port: int, clock: Any, confirmation: UUID) -> None:
    with pytest.raises(smtplib.SMTPException):
        await hand_over(port, ADDRESSES.of(confirmation, clock()), b"Subject: a\r\n\r\n" + b"a\r\n" * 300_000)


async def test_so_many_at_once_and_no_more(port: int, clock: Any, confirmation: UUID) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(listener._SESSIONS)]
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"220")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        assert not await reader.readline()
    for _, each in [*held, (reader, writer)]:
        each.close()
    await asyncio.sleep(0.1)
    back_to = ADDRESSES.of(confirmation, clock())
    await hand_over(port, back_to, answer_from_holidays(back_to))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n"]
)
def test_nonsense_is_no_report(content: bytes) -> None:
    assert reports.read(content) == (Outcome.NO_REPORT, None)


def test_what_a_stranger_packs_into_a_mail_costs_nothing() -> None:
    head = "Content-Type: multipart/report; report-type=delivery-status; boundary="
    nested = "".join(f"{head}b{n}\r\n\r\n--b{n}\r\n" for n in range(1000))
    packed = [
        nested + "a\r\n" * 150_000,
        head + "b" + ';a="b' * 13_000 + "\r\n\r\n",
        head + "b;" + ";" * 64_000 + "\r\n\r\n",
        head + "b\r\n\r\n" + "\r\n--b" * 13_000,
        head + "b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n" + "\r\nAction: late\r\n" * 4_000,
    ]
    for content in packed:
        before = time.thread_time()
        assert reports.read(content.encode())[0] is not Outcome.FAILED
        assert time.thread_time() - before < 0.2


def test_of_several_reports_in_a_mail_the_first_counts() -> None:
    first, second = report("b@example.org", "a@example.org", "delayed", "4.4.1"), b"Action: failed\r\nStatus: 5.1.1"
    line = re.search(rb'boundary="?([^"\r\n;]+)', first)
    assert line is not None
    more = b"--%s\r\nContent-Type: message/delivery-status\r\n\r\n%s\r\n\r\n" % (line[1], second)
    content = first.replace(b"--%s--" % line[1], more + b"--%s--" % line[1])
    assert content != first
    assert reports.read(content) == (Outcome.UNDER_WAY, None)


def test_of_a_long_mail_the_end_is_not_missed() -> None:
    content = report("b@example.org", "a@example.org") + b"a\r\n" * 100_000
    assert reports.read(content) == (Outcome.FAILED, Trouble.INVALID_ADDRESS)


async def test_about_one_mail_only_so_much_is_taken(
    database: Database, port: int, clock: Any, confirmation: UUID
) -> None:
    back_to = ADDRESSES.of(confirmation, clock())
    for _ in range(listener.REPORTS_PER_MAIL):
        await hand_over(port, back_to, answer_from_holidays(back_to))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await hand_over(port, back_to.upper(), report(back_to, "amelie@example.org"))
    other = ADDRESSES.of(uuid4(), clock())
    await hand_over(port, other, answer_from_holidays(other))


async def test_what_cannot_be_read_is_to_come_again(
    port: int, clock: Any, confirmation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(reports, "read", broken)
    back_to = ADDRESSES.of(confirmation, clock())
    with pytest.raises(smtplib.SMTPDataError) as error:
        await hand_over(port, back_to, report(back_to, "amelie@example.org"))
    assert error.value.smtp_code == 451


def test_a_comment_in_the_action_changes_nothing() -> None:
    content = report("b@example.org", "a@example.org").replace(b"Action: failed", b"Action: Failed (expired)")
    assert reports.read(content) == (Outcome.FAILED, Trouble.INVALID_ADDRESS)


def test_the_address_fits_and_names_its_mail_alone(clock: Any) -> None:
    message_id = uuid4()
    local = ADDRESSES.of(message_id, clock()).partition("@")[0]
    assert len(local) <= 64  # RFC 5321, 4.5.3.1.1
    assert ADDRESSES.read(f"{local}@{ADDRESSES.domain}", clock()) == message_id


def test_without_a_domain_mails_come_from_where_they_say(settings: Settings) -> None:
    assert ReturnAddresses.configured(settings) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"bounce_domain": "bounce.example.org"},
        {"bounce_port": 2525},
        {"bounce_domain": "bounce.example.org", "bounce_port": 2525},
        {"bounce_domain": "bounce.example.org", "bounce_port": 2525, "bounce_key": "short"},
    ],
)
def test_half_a_setting_is_refused_at_the_start(settings: Settings, offices_dir: Path, wrong: dict[str, Any]) -> None:
    given = settings.model_dump(exclude={"bounce_domain", "bounce_port", "bounce_key"}) | wrong
    with pytest.raises(ValidationError, match="SCHALTER_BOUNCE"):
        Settings(**given)
    whole = given | {"bounce_domain": "bounce.example.org", "bounce_port": 2525, "bounce_key": SecretStr("k" * 24)}
    assert ReturnAddresses.configured(Settings(**whole)) is not None
