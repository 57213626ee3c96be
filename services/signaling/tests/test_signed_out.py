"""A clerk who is signed out: what is open of that sign-in ends within seconds, on every instance, and opens no more."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from nats.js.errors import NotFoundError
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.typing import Origin

import chassis.redis
from chassis import migrations
from chassis.bus import Bus
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from contracts.base import Meta
from contracts.casework import SessionsEnded
from contracts.ids import ClerkId
from contracts.topology import STREAMS, consumer
from schalter import embedded
from schalter.bus import consumer_settings, create, stream_settings
from signaling.app import MIGRATIONS
from signaling.consumers import Consumers
from signaling.hub import ENDED, Hub
from signaling.protocol import CLOSE_TICKET
from signaling.settings import Settings

Room = Callable[..., Awaitable[UUID]]
CLERK = UUID(int=77)
#: Signaling looks every second; a busy machine gets a little more.
SOON = 4.0


async def ask(instance: Any, token: str, **body: object) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{instance.url}/tickets", json=body, headers={"Authorization": f"Bearer {token}"})


async def end(database: Database, redis: Redis, *sessions: UUID) -> None:
    """As the bus would bring it, to one instance."""
    event = SessionsEnded(office="demo", clerk_id=ClerkId(CLERK), sessions=sessions, at=datetime.now(UTC))
    tx: Transaction
    async with database.transaction() as tx:
        consumers = Consumers(Hub(redis), lambda: datetime.now(UTC))
        await consumers.signed_out(tx, event, Meta.of(event, now=event.at))


@pytest.fixture
async def opened(instances: Any, room: Room, clerk_token: Callable[..., str]) -> Any:
    """`await opened(instance, sid, where)`: the socket of a clerk, in a room or the lobby, that keeps beating."""
    async with AsyncExitStack() as stack:

        async def open_one(instance: Any, sid: UUID | None, where: UUID | None) -> Any:
            token = clerk_token("demo", clerk_id=CLERK, sid=sid)
            body = {"appointment_id": str(where)} if where else {"lobby": True}
            issued = (await ask(instance, token, **body)).json()["ticket"]
            url = instance.url.replace("http", "ws") + "/ws"
            socket = await stack.enter_async_context(connect(url, origin=Origin("http://localhost:8080")))
            await socket.send(f'{{"type":"hello","ticket":"{issued}","epoch":"{uuid4().hex}"}}')
            beating = asyncio.create_task(_beat(socket))
            stack.callback(beating.cancel)
            return socket

        yield open_one


async def _beat(socket: Any) -> None:
    while True:
        await socket.send('{"type":"heartbeat"}')
        await asyncio.sleep(1)


async def closed(socket: Any) -> int | None:
    """The code by which the server closes it; None if it does not."""
    try:
        await asyncio.wait_for(socket.wait_closed(), SOON)
    except TimeoutError:
        return None
    code: int = socket.close_code
    return code


async def test_waiting_room_and_call_end_on_every_instance_and_others_stay(
    instances: Any, opened: Any, room: Room, database: Database, redis: Redis
) -> None:
    gone, stays = uuid4(), uuid4()
    before = ENDED.labels("signed_out")._value.get()
    lobby = await opened(instances[0], gone, None)
    call = await opened(instances[1], gone, await room())
    other = await opened(instances[0], stays, None)
    unknown = await opened(instances[1], None, None)
    await end(database, redis, gone)
    assert await asyncio.gather(*map(closed, (lobby, call, other, unknown))) == [CLOSE_TICKET, CLOSE_TICKET, None, None]
    assert ENDED.labels("signed_out")._value.get() == before + 2


async def test_the_access_token_that_is_still_out_opens_nothing(
    instances: Any, clerk_token: Callable[..., str], room: Room, database: Database, redis: Redis
) -> None:
    gone = uuid4()
    token = clerk_token("demo", clerk_id=CLERK, sid=gone)
    assert (await ask(instances[0], token, lobby=True)).status_code == 201
    await end(database, redis, uuid4(), gone)
    for body in ({"lobby": True}, {"appointment_id": str(await room())}):
        refused = await ask(instances[1], token, **body)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert (await ask(instances[0], clerk_token("demo", clerk_id=CLERK, sid=uuid4()), lobby=True)).status_code == 201
    assert 0 < await redis.pttl(f"signaling:signed-out:{gone}") <= 660_000


async def test_a_sign_out_waits_for_redis_however_long_it_is_away(
    settings: Settings, database_url: str, database: Database, servers_dir: Path
) -> None:
    await migrations.upgrade(database_url, MIGRATIONS)
    port, password, gone = embedded.free_port(), secrets.token_hex(8), uuid4()
    redis = chassis.redis.connect(f"redis://:{password}@127.0.0.1:{port}/0")
    bus = Bus("casework", settings)
    await bus.connect()
    stream, listening = STREAMS["casework"], consumer("signaling", SessionsEnded)
    with suppress(NotFoundError):
        await bus.jetstream.delete_stream(stream.name)
    await create(bus.client, stream_settings(stream))
    await create(bus.client, consumer_settings(listening))
    signed_out = Consumer(SessionsEnded, Consumers(Hub(redis), lambda: datetime.now(UTC)).signed_out)
    consumption = Consumption("signaling", signed_out, bus, database, lambda: datetime.now(UTC))
    running = asyncio.create_task(consumption.run())
    event = SessionsEnded(office="demo", clerk_id=ClerkId(CLERK), sessions=(gone,), at=datetime.now(UTC))
    await bus.publish(event.SUBJECT, event.model_dump_json().encode(), Meta.of(event, now=event.at).headers())
    await asyncio.sleep(4)
    found = await bus.jetstream.consumer_info(stream.name, listening.name)
    assert (found.num_ack_pending, found.num_redelivered) == (1, 0), "no try of the event is used up"
    log = servers_dir / "away.log"
    with embedded.Redis(servers_dir / "away", port, password=password, log=log, durable=False):
        async with asyncio.timeout(10):
            while (await bus.jetstream.consumer_info(stream.name, listening.name)).num_ack_pending:
                await asyncio.sleep(0.1)
        assert await redis.exists(f"signaling:signed-out:{gone}")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bus.close()
    await redis.aclose()
