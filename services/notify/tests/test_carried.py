"""A mail is told under the ids of what it was queued for, also when it leaves long after its event."""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import structlog

import chassis.logging
from chassis import steps, traces
from chassis.clock import Clock
from chassis.database import Database
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import usecases
from notify.delivery import Smtp
from notify.mail import Composer
from notify.sender import Sender
from notify.settings import Settings
from schalter import way
from schalter.embedded import free_port

BOOKED = "booking.completed.v1"
CARRIED = {
    "correlation_id": "abcdefgh12345678",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log of notify, as the process writes it."""
    out = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        chassis.logging.configure("notify", "info")
    structlog.configure(cache_logger_on_first_use=False)  # loggers of modules go on to other tests
    monkeypatch.setattr("notify.sender.log", structlog.get_logger("notify.sender"))
    yield out
    structlog.reset_defaults()
    steps.configure("", io.StringIO(), on=False)


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


async def test_the_way_of_one_mail_is_not_the_way_of_all_that_met_the_same_trouble(
    apply: Callable[..., Awaitable[bool]],
    database: Database,
    settings: Settings,
    offices: Mapping[str, Office],
    clock: Clock,
    written: io.StringIO,
) -> None:
    booked: list[UUID] = [uuid4() for _ in range(3)]
    for number, each in enumerate(booked, 1):
        context = {"correlation_id": f"correlation{number}", "traceparent": f"00-{number:032x}-{number:016x}-01"}
        with traces.carrying(context):
            await apply(BOOKED, appointment_id=each)
    async with database.autocommit() as tx:
        await tx.execute("UPDATE ours.message SET next_try_at = :at", at=clock())
    composer = Composer(offices, load_catalogue(), public_origin="http://x", sender="A <a@town.example>")
    nobody = Smtp(settings.model_copy(update={"smtp_port": free_port()}))
    sending = asyncio.create_task(Sender(composer, nobody, clock, per_second=100).run(database))
    lines: list[way.Line] = []
    async with asyncio.timeout(20):
        while len([line for line in lines if line["event"] == "mail"]) < len(booked):
            await asyncio.sleep(0.05)
            steps.flush()
            lines = list(way.read(written.getvalue().splitlines()))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    followed = way.follow(lines, str(booked[0])).lines
    assert {line["event"] for line in followed} >= {"mail", "mail_not_taken"}
    assert {line["about"] for line in followed if "about" in line} == {str(booked[0])}
