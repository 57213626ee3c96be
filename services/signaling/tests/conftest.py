"""Two instances of the real service on one PostgreSQL, NATS and Redis, and clients that speak the protocol."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from twin_office import Twin, is_twins, move_in
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import chassis.redis
from chassis import migrations
from chassis.database import Database, Transaction
from schalter.embedded import free_port
from signaling import store
from signaling.app import MIGRATIONS, build
from signaling.rooms import Place, Seat
from signaling.settings import Settings
from signaling.sockets import Allowance, Participant, new_connection_id

ORIGIN = "http://localhost:8080"


@pytest.fixture(scope="module")
def settings(database_url: str, nats_url: str, redis_url: str, offices_dir: Path, keys: Any) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database_url,
            "nats_url": nats_url,
            "redis_url": redis_url,
            "offices_dir": offices_dir,
            "public_url": ORIGIN,
            "link_public_key": keys.link.public,
            "clerk_public_key": keys.clerk.public,
            "turn_urls": "stun:turn.example.org, turn:turn.example.org?transport=udp",
            "turn_secret": "turn-secret",
            "environment": "development",
            "log_level": "warning",
        }
    )


@dataclass
class Instance:
    """A running instance, in a thread of its own as it would be in a process of its own."""

    app: FastAPI
    port: int
    server: uvicorn.Server
    thread: threading.Thread

    @classmethod
    def start(cls, app: FastAPI) -> Self:
        port = free_port()
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, ws_max_size=131072, ws_per_message_deflate=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the instance did not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return cls(app, port, server, thread)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/signaling"


@pytest.fixture(scope="module", autouse=True)
def _no_twin_is_missed() -> Iterator[None]:
    """Who is on record as present, but in no instance, is sent away after a while; the twins may stay.

    Nor does a clock erase them for having no file.
    """
    present, offices = store.present_places, store.offices

    async def ours(tx: Transaction) -> list[Place]:
        return [place for place in await present(tx) if not is_twins(place.appointment_id)]

    async def our_offices(tx: Transaction) -> list[str]:
        return [office for office in await offices(tx) if not is_twins(office)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "present_places", ours)
        patch.setattr(store, "offices", our_offices)
        yield


@pytest.fixture(scope="module")
def schema(settings: Settings) -> None:
    """The tables, and the twin in them: enough for what needs no running instance."""
    asyncio.run(migrations.upgrade(str(settings.database_url), MIGRATIONS))
    asyncio.run(move_in(str(settings.database_url), Twin()))


@pytest.fixture(scope="module")
def instances(settings: Settings, schema: None) -> Iterator[tuple[Instance, Instance]]:
    first = Instance.start(build(settings))
    second = Instance.start(build(settings))
    for instance in (first, second):
        while httpx.get(f"http://127.0.0.1:{instance.port}/readyz").status_code != 200:
            time.sleep(0.05)
    yield first, second
    first.stop()
    second.stop()


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(str(settings.database_url), pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = chassis.redis.connect(redis_url)
    yield client
    await client.aclose()


@dataclass
class Client:
    """A page in a browser, as far as the service can tell. Sends heartbeats unless told to be silent."""

    socket: ClientConnection
    epoch: str
    heard: list[dict[str, Any]] = field(default_factory=list)
    _beat: "asyncio.Task[None] | None" = None

    async def send(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self, seconds: float = 8) -> dict[str, Any]:
        """The next message that is no heartbeat."""
        async with asyncio.timeout(seconds):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                self.heard.append(message)
                if message["type"] != "heartbeat":
                    return message

    async def expect(self, kind: str, seconds: float = 8, **fields: object) -> dict[str, Any]:
        """The next message of `kind` with these fields; others on the way are kept in `heard`."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.next(seconds)
                if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
                    return message

    async def saw(self, kind: str, **fields: object) -> dict[str, Any]:
        """A message of `kind` with these fields, heard already or still to come."""
        for message in self.heard:
            if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
                return message
        return await self.expect(kind, 8, **fields)

    async def closed(self, seconds: float = 8) -> int:
        """The close code that the server ends with."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self.heard.append(json.loads(await self.socket.recv()))
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else 1006

    async def quiet(self, kind: str, seconds: float = 0.5) -> bool:
        """Whether no message of `kind` comes for a while."""
        try:
            await self.expect(kind, seconds)
        except TimeoutError:
            return True
        return False

    async def beat(self) -> None:
        try:
            while True:
                await asyncio.sleep(2)
                await self.socket.send('{"type":"heartbeat"}')
        except ConnectionClosed:
            return


class Wire:
    """The sending side of a socket that keeps what it is to send."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def send(self, frame: str) -> None:
        self.frames.append(json.loads(frame))

    def close(self, code: int, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)

    def heard(self) -> list[dict[str, Any]]:
        """What was sent since the last look."""
        frames, self.frames = self.frames, []
        return frames


@pytest.fixture
def somebody() -> Callable[..., Participant]:
    """`somebody("clerk", appointment_id, office="demo", ...)`: connected to this very process by a `Wire`."""

    def make(role: str = "citizen", appointment_id: UUID | None = None, *, instance: str = "here", **more: Any) -> Any:
        place = Place(appointment_id or uuid4(), "clerk" if role == "clerk" else "citizen")
        seat = Seat(instance, new_connection_id(), f"{role}-page")
        known = {"office": "demo", "actor": role, "clerk_id": uuid4() if role == "clerk" else None, "session": "s"}
        rest = {"transport": Wire(), "allowance": Allowance(10, 10, 0.0), "heard": 0.0, "admitted": False}
        return Participant(**{**known, **rest, "place": place, "seat": seat, **more})

    return make


Enter = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def enter(ticket: Callable[..., Awaitable[str]]) -> Enter:
    """`async with enter(instance, who, appointment_id, office=..., epoch=...) as client`: in the room, welcomed."""

    @asynccontextmanager
    async def open_client(
        instance: Instance,
        who: str,
        appointment_id: UUID | None = None,
        *,
        office: str = "demo",
        epoch: str | None = None,
        silent: bool = False,
        welcome: bool = True,
        clerk_id: UUID | None = None,
        generation: int = 1,
        ticketed: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Client]:
        issued = await ticket(instance, who, appointment_id, office=office, clerk_id=clerk_id, generation=generation)
        if ticketed is not None:
            await ticketed()
        async with connect(socket_url(instance), origin=ORIGIN) as socket:  # type: ignore[arg-type]
            client = Client(socket, epoch or uuid4().hex)
            await client.send(type="hello", ticket=issued, epoch=client.epoch)
            if welcome:
                await client.expect("welcome")
            beat = asyncio.create_task(client.beat()) if not silent else None
            try:
                yield client
            finally:
                if beat is not None:
                    beat.cancel()

    return open_client


def socket_url(instance: Instance) -> str:
    return instance.url.replace("http", "ws") + "/ws"


@pytest.fixture
def ticket(citizen_token: Callable[..., str], clerk_token: Callable[..., str]) -> Callable[..., Awaitable[str]]:
    """`await ticket(instance, "citizen" | "clerk" | "lobby", appointment_id, office=...)`."""

    async def issue(
        instance: Instance,
        who: str,
        appointment_id: UUID | None,
        *,
        office: str = "demo",
        clerk_id: UUID | None = None,
        generation: int = 1,
    ) -> str:
        body: dict[str, object] = {}
        if who == "citizen":
            assert appointment_id is not None
            token = citizen_token(appointment_id, office, gen=generation)
        else:
            token = clerk_token(office, **({"clerk_id": clerk_id} if clerk_id else {}))
            body = {"lobby": True} if who == "lobby" else {"appointment_id": str(appointment_id)}
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{instance.url}/tickets", json=body, headers={"Authorization": f"Bearer {token}"}
            )
        assert answer.status_code == 201, answer.text
        issued: str = answer.json()["ticket"]
        return issued

    return issue


@pytest_asyncio.fixture
async def room(schema: None, database: Database) -> Callable[..., Awaitable[UUID]]:
    """`await room(office="demo", starts_in=minutes)`: the id of a new open room; no others exist."""
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE rooms, outbox, inbox CASCADE")

    async def open_room(office: str = "demo", starts_in: float = 0, generation: int = 1) -> UUID:
        appointment_id = uuid4()
        starts_at = datetime.now(UTC) + timedelta(minutes=starts_in)
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO rooms (appointment_id, office, starts_at, ends_at, link_generation, state)"
                " VALUES (:id, :office, :starts_at, :ends_at, :generation, 'open')",
                id=appointment_id,
                office=office,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=15),
                generation=generation,
            )
        return appointment_id

    return open_room


@pytest.fixture
def published(database: Database) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """`await published(appointment_id)`: what went into the outbox about it, oldest first, as {subject, **data}."""

    async def read(appointment_id: UUID) -> list[dict[str, Any]]:
        async with database.transaction() as tx:
            rows = await tx.rows("SELECT subject, body FROM outbox ORDER BY id")
        events = [{"subject": row["subject"], **json.loads(bytes(row["body"]))} for row in rows]
        return [event for event in events if event.get("appointment_id") == str(appointment_id)]

    return read


@pytest.fixture
def soon() -> Callable[..., Awaitable[Any]]:
    """`await soon(fn, seconds=8)`: polls the coroutine function until it returns something truthy."""

    async def wait(condition: Callable[[], Awaitable[Any]], seconds: float = 8) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            value = await condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {condition}")
            await asyncio.sleep(0.05)

    return wait
