"""Short messages: off by default, a line beside the mail, handed to one address alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr, ValidationError

from chassis.database import Database
from contracts.booking import CitizenContact
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import usecases
from notify.delivery import DeliveryError, Smtp
from notify.mail import Composer
from notify.metrics import MAILS
from notify.model import Trouble
from notify.reminders import remind
from notify.sender import Sender
from notify.settings import Settings
from notify.sms import Sms

Apply = Callable[..., Awaitable[bool]]
BOOKED = "booking.completed.v1"


class Provider:
    """A local provider: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.status = "202 Accepted"
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.splitlines()[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append((headers, body))
        location = "Location: http://127.0.0.1:9/\r\n" if self.status.startswith("3") else ""
        writer.write(f"HTTP/1.1 {self.status}\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(provider: Provider, settings: Settings) -> AsyncIterator[Settings]:
    server = await asyncio.start_server(provider.answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/messages"
        given = settings.model_dump() | {"sms_url": url, "sms_token": SecretStr("top-secret")}
        yield Settings.model_validate(given)


@pytest.fixture
def due(apply: Apply, database: Database, clock: Any, samples: Mapping[str, Any]) -> Callable[..., Awaitable[None]]:
    """`await due(sms=True)`: somebody who gave a number is to be reminded now."""

    async def arrange(*, sms: bool, name: str = "Amélie", phone: str | None = "+491712345678") -> None:
        event = samples[BOOKED][1]
        clock.now = event.starts_at - timedelta(days=2)
        contact = CitizenContact(name=name, email="a@example.org", language="de", phone=phone)
        await apply(BOOKED, appointment_id=uuid4(), citizen=contact)
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM ours.message")
        clock.now = event.starts_at - timedelta(days=1)
        await remind(database, clock(), lambda: None, sms=sms)

    return arrange


async def ways(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT channel, recipient FROM ours.message ORDER BY channel")
    return [(row["channel"], row["recipient"]) for row in rows]


async def test_off_by_default(settings: Settings, due: Any, database: Database) -> None:
    assert not Sms(settings).on
    await due(sms=False)
    assert await ways(database) == [("mail", "a@example.org")]


async def test_who_gave_a_number_gets_both(due: Any, database: Database) -> None:
    await due(sms=True)
    assert await ways(database) == [("mail", "a@example.org"), ("sms", "+491712345678")]


async def test_who_gave_none_gets_the_mail(due: Any, database: Database) -> None:
    await due(sms=True, phone=None)
    assert await ways(database) == [("mail", "a@example.org")]


async def test_the_provider_gets_one_line_without_link_or_name(
    settings: Settings, due: Any, database: Database, offices: Mapping[str, Office], clock: Any
) -> None:
    await due(sms=True, name="Eve\r\nTo: +49666")
    before, before_mails = short_messages("delivered"), mails()
    provider = Provider()
    async with serving(provider, settings) as given:
        composer = Composer(offices, load_catalogue(), public_origin="http://x", sender="A <a@b.example>")
        sms = Sms(given)
        sender = Sender(composer, Smtp(given), clock, sms=sms)
        task = asyncio.create_task(sender.run(database))
        async with asyncio.timeout(20):
            while ("sms", "delivered") not in await _states(database) or mails() == before_mails:
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sms.close()
    assert short_messages("delivered") == before + 1
    assert mails() == before_mails + 1, "the mail beside it, and not the short message"
    ((headers, body),) = provider.requests
    assert headers["authorization"] == "Bearer top-secret"
    assert headers["idempotency-key"] == body["reference"]
    assert body["to"] == "+491712345678"
    assert "ist morgen um 09:00 Uhr (Terminnummer DE-7K3M9Q)" in body["text"]
    assert len(body["text"]) <= 2 * 153
    assert not any(part in body["text"] for part in ("\n", "\r", "eyJ", "#", "Eve"))
    async with database.transaction() as tx:
        assert await tx.rows("SELECT 1 FROM outbox WHERE subject = 'notify.delivered.v1'") == []


def short_messages(outcome: str) -> float:
    return REGISTRY.get_sample_value("schalter_short_messages_total", {"outcome": outcome}) or 0


def mails() -> float:
    """How many tries to hand a mail over there were, whatever became of them."""
    return sum(
        sample.value for told in MAILS.collect() for sample in told.samples if sample.name == "schalter_mails_total"
    )


async def _states(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        return [(row["channel"], row["state"]) for row in await tx.rows("SELECT channel, state FROM ours.message")]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ("503 Later", Trouble.DEFERRED),
        ("429 Slower", Trouble.DEFERRED),
        ("400 No", Trouble.REFUSED),
        ("307 There", Trouble.REFUSED),
    ],
)
async def test_refusals_are_told_apart_and_no_redirect_is_followed(
    settings: Settings, due: Any, database: Database, clock: Any, status: str, trouble: Trouble
) -> None:
    await due(sms=True)
    message = next(one for one in await usecases.claim_due(database, clock()) if one.channel == "sms")
    provider = Provider()
    provider.status = status
    async with serving(provider, settings) as given:
        sms = Sms(given)
        with pytest.raises(DeliveryError) as refused:
            await sms.send(message, "text")
        await sms.close()
    assert refused.value.trouble == trouble
    assert len(provider.requests) == 1


async def test_a_provider_that_is_away_is_waited_for(
    settings: Settings, due: Any, database: Database, clock: Any
) -> None:
    await due(sms=True)
    message = next(one for one in await usecases.claim_due(database, clock()) if one.channel == "sms")
    sms = Sms(Settings.model_validate(settings.model_dump() | {"sms_url": "http://127.0.0.1:9/"}))
    with pytest.raises(DeliveryError) as refused:
        await sms.send(message, "text")
    await sms.close()
    assert refused.value.trouble == Trouble.UNREACHABLE


def test_production_tells_numbers_over_tls_alone(settings: Settings) -> None:
    given = settings.model_dump() | {"environment": "production", "smtp_security": "starttls"}
    Settings.model_validate(given | {"sms_url": "https://sms.example/"})
    with pytest.raises(ValidationError, match="https"):
        Settings.model_validate(given | {"sms_url": "http://sms.example/"})
