"""What JetStream alone does: messages handed from stream to stream with nats-py, nothing stored elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import uuid4

import nats
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

HOPS: Final = 3
_BODY: Final = b"x" * 700
_IN_FLIGHT: Final = 32


class Chain:
    """Three streams; each message of the first is published to the second and then to the third."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._js = client.jetstream()
        self._arrived: dict[bytes, asyncio.Event] = {}

    async def pass_on(self) -> float:
        """Send one message down the chain; the seconds until it has come out of the third stream."""
        name = uuid4().hex.encode()
        arrived = self._arrived[name] = asyncio.Event()
        started = time.perf_counter()
        await self._js.publish("hop0", name + _BODY)
        await arrived.wait()
        return time.perf_counter() - started

    async def hop(self, number: int) -> None:
        """Take from stream `number`, and publish to the next one before acknowledging."""
        subscription = await _subscription(self._js, f"HOP{number}", f"hop{number}")
        while not self._client.is_closed:  # a fetch may swallow its task's cancellation
            with suppress(NatsError, TimeoutError):
                # One: asked for more, the client may wait a second for them with the first one in hand.
                (message,) = await subscription.fetch(1, timeout=1)
                if number + 1 < HOPS:
                    await self._js.publish(f"hop{number + 1}", message.data)
                else:
                    self._arrived.pop(message.data[:32]).set()
                await message.ack()


@asynccontextmanager
async def chain(url: str) -> AsyncIterator[Chain]:
    """The chain on the server at `url`, running."""
    client = await nats.connect(url)
    for number in range(HOPS):
        await client.jetstream().add_stream(name=f"HOP{number}", subjects=[f"hop{number}"])
    made = Chain(client)
    tasks = [asyncio.create_task(made.hop(number)) for number in range(HOPS)]
    await asyncio.sleep(0.5)
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await client.close()


async def flow(url: str, count: int) -> float:
    """Messages per second from publishing (each acknowledged, 32 under way) through a stream to a consumer's ack."""
    client = await nats.connect(url)
    try:
        js = client.jetstream()
        await js.add_stream(name="FLOW", subjects=["flow"])
        subscription = await _subscription(js, "FLOW", "flow")
        started = time.perf_counter()

        async def publish() -> None:
            for _ in range(count // _IN_FLIGHT):
                await js.publish("flow", _BODY)

        async def consume() -> None:
            left = count // _IN_FLIGHT * _IN_FLIGHT
            while left:
                with suppress(NatsError, TimeoutError):
                    for message in await subscription.fetch(min(200, left), timeout=1):
                        await message.ack()
                        left -= 1

        await asyncio.gather(consume(), *(publish() for _ in range(_IN_FLIGHT)))
        seconds = time.perf_counter() - started
        await js.delete_stream("FLOW")
        return count // _IN_FLIGHT * _IN_FLIGHT / seconds
    finally:
        await client.close()


async def _subscription(js: Any, stream: str, subject: str) -> Any:
    config = ConsumerConfig(durable_name="bench", filter_subject=subject, ack_policy=AckPolicy.EXPLICIT)
    await js.add_consumer(stream, config)
    return await js.pull_subscribe_bind(consumer="bench", stream=stream)
