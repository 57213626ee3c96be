"""A service that was taken over has the bus send answers to where another one listens. Nothing follows from them.

The server does not ask whether an asker may speak where they want their answer, and its monitoring port tells who
listens at what. So the attacker here knows every inbox, and may use all that it is allowed to.
"""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
import structlog
from bus_users import PASSWORDS, guarded, signed_in
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from chassis.bus import BATCH_FROM, Bus, BusError
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from chassis.pull import Pull
from chassis.settings import ServiceSettings
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.payment import PaymentCaptured, PaymentVoided
from contracts.samples import load
from contracts.topology import CONSUMES, PUBLISHES, SERVICES, STREAMS, consumer, dead_letter_subject
from schalter.embedded import Nats, free_port

SAMPLES = load()


def now() -> datetime:
    return datetime.now(UTC)


class Guarded(NamedTuple):
    """A bus with the real permissions, and its monitoring port."""

    server: Nats
    monitor: int

    def inboxes(self, service: str) -> list[str]:
        """Where `service` listens, as the monitoring port tells everybody who reaches it, and a place below each."""
        url = f"http://127.0.0.1:{self.monitor}/connz?subs=true&auth=true"
        with urllib.request.urlopen(url, timeout=5) as answer:
            told = json.load(answer)
        subjects = {s for one in told["connections"] for s in one.get("subscriptions_list", ())}
        return sorted(each for each in subjects if each.startswith(f"_INBOX_{service}."))


@pytest.fixture
def guard(servers_dir: Path, tmp_path: Path) -> Iterator[Guarded]:
    monitor = free_port()
    with guarded(servers_dir / f"replies-{tmp_path.name}", monitor=monitor) as server:
        yield Guarded(server, monitor)


async def joined(guard: Guarded, service: str, offices_dir: Path) -> Bus:
    """The bus as `service` has it."""
    settings = ServiceSettings(
        database_url="postgresql://nobody@127.0.0.1/none",
        nats_url=guard.server.url,
        nats_user=service,
        nats_password=PASSWORDS[service],
        public_url="http://localhost",
        offices_dir=offices_dir,
    )
    bus = Bus(service, settings)
    await bus.connect()
    return bus


async def publish(guard: Guarded, event: Event) -> UUID:
    """`event` as its owner publishes it."""
    meta = Meta.of(event, now=now())
    async with signed_in(guard.server, event.SUBJECT.split(".")[0]) as (client, _):
        await client.jetstream().publish(event.SUBJECT, event.model_dump_json().encode(), headers=meta.headers())
    return meta.id


async def attack(guard: Guarded, attacker: str, victim: str) -> None:
    """All that `attacker` may ask for, each answered where `victim` listens."""
    places = [each.replace("*", str(n)) for each in guard.inboxes(victim) for n in (0, 1)]
    assert places
    unheard = [event.SUBJECT for event in PUBLISHES[attacker] if event not in CONSUMES[victim]]
    letter = dead_letter_subject(attacker, CONSUMES[attacker][0].SUBJECT)
    async with signed_in(guard.server, attacker) as (client, _):
        for place in places:
            for event in CONSUMES[attacker]:
                one = consumer(attacker, event)
                for request in (
                    {"batch": 1, "expires": 1_000_000_000},
                    {"batch": 9, "no_wait": True},
                    {"batch": 5, "expires": 2_000_000},
                ):
                    subject = f"$JS.API.CONSUMER.MSG.NEXT.{one.stream}.{one.name}"
                    await client.publish(subject, json.dumps(request).encode(), reply=place)
                await client.publish(f"$JS.API.CONSUMER.INFO.{one.stream}.{one.name}", b"", reply=place)
            for subject in (*unheard, letter):
                await client.publish(subject, b"{}", reply=place)
        await client.flush()
    await asyncio.sleep(0.5)


async def test_a_captured_payment_that_notify_hands_on_is_not_voided(
    guard: Guarded, database: Database, offices_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have the same fields: what casework is handed by another's consumer it would take for a voided one."""
    heard: list[UUID] = []
    monkeypatch.setattr("chassis.pull.log", structlog.get_logger())  # one that no test has used is captured

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        heard.append(meta.id)

    bus = await joined(guard, "casework", offices_dir)
    task = asyncio.create_task(Consumption("casework", Consumer(PaymentVoided, handle), bus, database, now).run())
    try:
        async with asyncio.timeout(5):
            while not guard.inboxes("casework"):
                await asyncio.sleep(0.05)
        await publish(guard, SAMPLES[PaymentCaptured.SUBJECT][1])
        with capture_logs() as lines:
            await attack(guard, "notify", "casework")
        assert heard == []
        assert {line["by"] for line in lines if line["event"] == "handed_by_another"} == {
            consumer("notify", PaymentCaptured).name
        }
        genuine = await publish(guard, SAMPLES[PaymentVoided.SUBJECT][1])
        async with asyncio.timeout(5):
            while not heard:
                await asyncio.sleep(0.02)
        assert heard == [genuine]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bus.close()


@pytest.mark.parametrize("victim", SERVICES)
async def test_nobody_hears_what_another_has_sent_there(guard: Guarded, victim: str, offices_dir: Path) -> None:
    """Every service attacks every consumer of `victim`: each gets its own event alone, once, and at once."""
    bus = await joined(guard, victim, offices_dir)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        pulls = {}
        for event in CONSUMES[victim]:
            one = consumer(victim, event)
            pulls[event] = Pull(bus, one.stream, one.name, ahead=10)
            await stack.enter_async_context(pulls[event].open())
        await bus.client.flush()
        asked = {event: pull._asked for event, pull in pulls.items()}
        for subject in {event.SUBJECT for service in SERVICES if service != victim for event in CONSUMES[service]} - {
            event.SUBJECT for event in CONSUMES[victim]
        }:
            await publish(guard, SAMPLES[subject][1])
        for attacker in SERVICES:
            if attacker != victim:
                await attack(guard, attacker, victim)
        assert [len(pull._waiting) for pull in pulls.values()] == [0] * len(pulls)
        assert {event: pull._asked for event, pull in pulls.items()} == asked, "no word of the bus is forged"
        for event, pull in pulls.items():
            published = await publish(guard, SAMPLES[event.SUBJECT][1])
            async with asyncio.timeout(2):
                taken = await pull.take(10)
            ids = [(message.headers or {})["ce-id"] for message in taken.values()]
            assert ids == [str(published)]


async def test_what_another_stream_acknowledges_is_not_published(bus: Bus) -> None:
    """As when somebody has the acknowledgement of their own event sent to who waits for another."""
    subject = StageChanged.SUBJECT

    async def acknowledge(message: Msg) -> None:
        if message.reply:
            await message.respond(b'{"stream": "NOTIFY", "seq": 1, "batch": "any", "count": 8}')

    await bus.jetstream.delete_stream(STREAMS["casework"].name)
    await bus.client.subscribe(subject, cb=acknowledge)
    with pytest.raises(BusError, match="acknowledged by NOTIFY"):
        await bus.publish(subject, b"{}", {})
    with pytest.raises(BusError, match="acknowledged by NOTIFY"):
        await bus.publish_all([(subject, b"{}", {})] * BATCH_FROM)
