"""Messages are handed out the moment they come, as many as there is room for, and also after the bus has changed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from structlog.testing import capture_logs

from chassis.bus import Bus
from chassis.pull import Pull
from chassis.settings import ServiceSettings

STREAM, SUBJECT, NAME = "PULLED", "pulled.v1", "pulling"


@pytest.fixture
async def bus(nats_url: str, offices_dir: Path) -> AsyncIterator[Bus]:
    settings = ServiceSettings.model_validate(
        {
            "database_url": "postgresql://unused",
            "nats_url": nats_url,
            "public_url": "http://localhost",
            "offices_dir": offices_dir,
        }
    )
    bus = Bus("pulling", settings)
    await bus.connect()
    await bus.jetstream.add_stream(StreamConfig(name=STREAM, subjects=[SUBJECT]))
    await make_consumer(bus)
    yield bus
    await bus.jetstream.delete_stream(STREAM)
    await bus.close()


def pulling(bus: Bus, *, ahead: int = 100, expires: float = 60) -> Pull:
    return Pull(bus, STREAM, NAME, ahead=ahead, expires=expires)


async def make_consumer(bus: Bus) -> None:
    config = ConsumerConfig(name=NAME, durable_name=NAME, ack_policy=AckPolicy.EXPLICIT, ack_wait=2)
    await bus.jetstream.add_consumer(STREAM, config)


async def publish(bus: Bus, count: int = 1) -> None:
    for _ in range(count):
        await bus.publish(SUBJECT, b"{}", {})


async def taken(pull: Pull, count: int) -> list[int]:
    """So many messages, in the order of their coming, acknowledged and released."""
    numbers: list[int] = []
    async with asyncio.timeout(20):
        while len(numbers) < count:
            messages = await pull.take(count)
            for message in messages.values():
                await message.ack()
            await pull.release(messages)
            numbers += messages
    return numbers


async def test_one_message_waits_for_no_other(bus: Bus) -> None:
    pull = pulling(bus)
    async with pull.open():
        for number in range(1, 20):
            await publish(bus)
            assert await taken(pull, 1) == [number]


async def test_a_backlog_comes_together(bus: Bus) -> None:
    await publish(bus, 60)
    pull = pulling(bus)
    async with pull.open(), asyncio.timeout(20):
        assert list(await pull.take(50)) == list(range(1, 51))
        assert list(await pull.take(50)) == list(range(51, 61))


async def test_no_more_are_here_than_there_is_room_for(bus: Bus) -> None:
    await publish(bus, 50)
    pull = pulling(bus, ahead=20)
    async with pull.open(), asyncio.timeout(20):
        first = await pull.take(50)
        await asyncio.sleep(0.3)
        assert len(first) == 20
        assert (await bus.jetstream.consumer_info(STREAM, NAME)).num_ack_pending == 20
        for message in first.values():
            await message.ack()
        await pull.release(first)
        assert await taken(pull, 30) == list(range(21, 51))


async def test_what_is_in_hand_is_not_handed_out_again(bus: Bus) -> None:
    """Longer than ack_wait, and taken or not."""
    await publish(bus, 2)
    pull = pulling(bus)
    async with pull.open(), asyncio.timeout(20):
        await pull.take(1)
        await asyncio.sleep(3)
        assert (await bus.jetstream.consumer_info(STREAM, NAME)).num_redelivered == 0
        assert list(await pull.take(2)) == [2]


async def test_requests_that_end_are_followed_by_others(bus: Bus) -> None:
    pull = pulling(bus, expires=0.2)
    async with pull.open():
        for number in range(1, 8):
            await asyncio.sleep(0.1)
            await publish(bus)
            assert await taken(pull, 1) == [number]


async def test_a_request_that_the_bus_has_lost_is_made_again(bus: Bus) -> None:
    """As after a failure that ends no connection: the bus stays silent, also about that it still knows of us."""
    pull = pulling(bus)
    async with pull.open():
        pull._asked += 1000  # as many are asked for as anybody may; nobody was told
        await publish(bus, 250)
        assert await taken(pull, 250) == list(range(1, 251))


async def test_a_consumer_that_is_gone_is_waited_for_and_said_once(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.bus.log", structlog.get_logger())  # one that no test has used is captured
    pull = pulling(bus)
    async with pull.open():
        await publish(bus)
        await taken(pull, 1)
        assert not bus.missing
        with capture_logs() as lines:
            await bus.jetstream.delete_consumer(STREAM, NAME)
            await asyncio.sleep(1.5)
            assert bus.missing == {NAME}
            await make_consumer(bus)
            await publish(bus)
            assert 2 in await taken(pull, 2)  # the first, too: the new consumer knows of no acknowledgement
        assert not bus.missing
    said = [line["event"] for line in lines if line["event"].endswith("_on_the_bus")]
    assert said == ["missing_on_the_bus", "found_on_the_bus"]


async def test_a_consumer_that_comes_later_is_found_though_nothing_is_for_it(bus: Bus) -> None:
    await bus.jetstream.delete_consumer(STREAM, NAME)
    async with pulling(bus).open(), asyncio.timeout(10):
        while NAME not in bus.missing:
            await asyncio.sleep(0.01)
        await make_consumer(bus)
        while bus.missing:
            await asyncio.sleep(0.01)


async def test_who_stops_takes_nothing_from_those_who_go_on(bus: Bus) -> None:
    async with pulling(bus).open():
        pass
    pull = pulling(bus)
    async with pull.open():
        await publish(bus, 3)
        assert await taken(pull, 3) == [1, 2, 3]
