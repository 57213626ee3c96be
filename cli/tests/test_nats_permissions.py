"""A service can do on the bus what topology.py says, and nothing else: the server itself refuses."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError
from nats.js.api import ConsumerConfig, StreamConfig

from contracts.topology import CONSUMES, DEAD_LETTERS, PUBLISHES, SERVICES, STREAMS, durable
from schalter.embedded import Nats, free_port
from schalter.nats_config import OPERATOR, inbox_prefix, service_users

PASSWORDS = {name: f"pw-{name}" for name in (*SERVICES, OPERATOR)}


@pytest.fixture(scope="module")
def bus(servers_dir: Path) -> Iterator[Nats]:
    users = service_users(PASSWORDS)
    with Nats(servers_dir / "acl", free_port(), log=servers_dir / "acl.log", users=users, durable=False) as server:
        yield server


@asynccontextmanager
async def connected(bus: Nats, user: str) -> AsyncIterator[tuple[Client, list[str]]]:
    refusals: list[str] = []

    async def note(error: Exception) -> None:
        refusals.append(str(error))

    client = await nats.connect(
        bus.url,
        user=user,
        password=PASSWORDS[user],
        inbox_prefix=inbox_prefix(user).encode(),
        error_cb=note,
        allow_reconnect=False,
    )
    try:
        yield client, refusals
    finally:
        await client.close()


async def refused(client: Client, refusals: list[str], subject: str) -> bool:
    await client.publish(subject, b"{}")
    await client.flush()
    for _ in range(20):
        if any(subject.lower() in refusal.lower() for refusal in refusals):
            return True
        await asyncio.sleep(0.01)
    return False


async def make_streams(bus: Nats) -> None:
    for service in SERVICES:
        async with connected(bus, service) as (client, _):
            for stream in (STREAMS[service], DEAD_LETTERS):
                await client.jetstream().add_stream(
                    StreamConfig(name=stream.name, subjects=list(stream.subjects), max_bytes=stream.max_bytes)
                )


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_publishes_its_own_events_and_no_others(bus: Nats, service: str) -> None:
    await make_streams(bus)
    async with connected(bus, service) as (client, refusals):
        for event in PUBLISHES[service]:
            acknowledgement = await client.jetstream().publish(event.SUBJECT, b"{}")
            assert acknowledgement.stream == STREAMS[service].name
        assert refusals == []
        for other in SERVICES:
            for event in PUBLISHES[other] if other != service else ():
                assert await refused(client, refusals, event.SUBJECT)
        assert await refused(client, refusals, f"{service}.invented.v1")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_what_it_consumes_and_no_more(bus: Nats, service: str) -> None:
    await make_streams(bus)
    async with connected(bus, service) as (client, refusals):
        js = client.jetstream()
        for event in CONSUMES[service]:
            stream = STREAMS[event.SUBJECT.split(".")[0]].name
            async with connected(bus, event.SUBJECT.split(".")[0]) as (publisher, _):
                await publisher.jetstream().publish(event.SUBJECT, b'{"n": 1}')
            name = durable(service, event)
            config = ConsumerConfig(name=name, durable_name=name, filter_subject=event.SUBJECT, ack_wait=30)
            await js.add_consumer(stream, config)
            subscription = await js.pull_subscribe_bind(durable=name, stream=stream)
            message = (await subscription.fetch(1, timeout=2))[0]
            await message.ack_sync()
        assert refusals == []
        await js.publish(f"dead.{service}.{next(iter(CONSUMES[service])).SUBJECT}", b"{}")
        with pytest.raises((Error, TimeoutError, NoRespondersError)):
            await asyncio.wait_for(
                js.add_consumer(DEAD_LETTERS.name, ConsumerConfig(name="x", durable_name="x")), timeout=0.5
            )
        assert refusals


async def test_a_service_cannot_listen_to_subjects_or_to_the_replies_of_others(bus: Nats) -> None:
    async with connected(bus, "notify") as (client, refusals):
        for subject in (">", "booking.>", f"{inbox_prefix('booking')}.>", "_INBOX.>"):
            await client.subscribe(subject)
        await client.flush()
        for _ in range(50):
            if len(refusals) == 4:
                break
            await asyncio.sleep(0.01)
        assert len(refusals) == 4


async def test_nobody_connects_without_a_password(bus: Nats) -> None:
    with pytest.raises((Error, NoRespondersError)):
        await nats.connect(bus.url, allow_reconnect=False, connect_timeout=1)
