"""NATS with JetStream: the connection of one service, its stream, and publishing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig

from chassis.metrics import BUS_CONNECTED
from chassis.settings import ServiceSettings
from contracts.topology import DEAD_LETTERS, Stream

log = structlog.get_logger(__name__)

Message = tuple[str, bytes, dict[str, str]]

#: Below this many messages one by one is quicker than an atomic batch (measured).
BATCH_FROM: Final = 8
_ACK_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.1
_DUPLICATE_WINDOW_SECONDS: Final = 120.0
#: A connection over which nothing passes any more, though nobody said so, is given up after the third such silence.
_PING_SECONDS: Final = 3


class BusError(ConnectionError):
    """The bus did not take a message; it will be tried again."""


class Bus:
    """One service's connection. `connect` waits for the server; afterwards the client reconnects by itself."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self._settings = settings
        self._client = Client()
        self._waiting: set[asyncio.Timeout] = set()
        self._on_reconnect: set[Callable[[], Awaitable[None]]] = set()

    @property
    def connected(self) -> bool:
        """Whether the server can be reached now."""
        return self._client.is_connected

    @property
    def client(self) -> Client:
        """The connection itself, for other parts of the chassis."""
        return self._client

    def on_reconnect(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call `call` whenever the server is back: what it knew of this connection is forgotten."""
        self._on_reconnect.add(call)

    def off_reconnect(self, call: Callable[[], Awaitable[None]]) -> None:
        """Do not call `call` any more."""
        self._on_reconnect.discard(call)

    @property
    def jetstream(self) -> JetStreamContext:
        """The JetStream API of this connection."""
        return self._client.jetstream(timeout=_ACK_SECONDS)

    async def connect(self) -> None:
        """Connect, for as long as it takes."""

        async def lost() -> None:
            BUS_CONNECTED.set(0)
            log.warning("bus_disconnected", waiting=len(self._waiting))
            # The acknowledgement that they wait for died with the connection.
            for limit in self._waiting:
                limit.reschedule(asyncio.get_running_loop().time())

        async def back() -> None:
            BUS_CONNECTED.set(1)
            log.info("bus_reconnected")
            for call in list(self._on_reconnect):
                await call()

        async def quiet(_: Exception) -> None:
            """Errors surface where a call fails; the client's own report of every attempt is noise."""

        password = self._settings.nats_password
        self._client = await nats.connect(
            self._settings.nats_url,
            name=self.name,
            user=self._settings.nats_user,
            password=password.get_secret_value() if password else None,
            inbox_prefix=f"_INBOX_{self.name}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            connect_timeout=2,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=2,
            disconnected_cb=lost,
            reconnected_cb=back,
            error_cb=quiet,
        )
        BUS_CONNECTED.set(1)

    async def close(self) -> None:
        """Close without draining: a drain hangs while a pull subscription is open."""
        if self._client.is_connected or self._client.is_reconnecting:
            await self._client.close()

    async def ensure(self, stream: Stream) -> None:
        """Create `stream`, or bring its settings up to date."""
        config = StreamConfig(
            name=stream.name,
            subjects=list(stream.subjects),
            max_age=stream.max_age.total_seconds(),
            max_bytes=stream.max_bytes,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
            allow_atomic=stream is not DEAD_LETTERS,
            num_replicas=1,
        )
        try:
            await self.jetstream.update_stream(config)
        except nats.js.errors.NotFoundError:
            await self.jetstream.add_stream(config)

    async def ready(self) -> None:
        """Return once there is a connection, and not at once: what failed over a living one fails again."""
        await asyncio.sleep(_RETRY_SECONDS)
        while not self.connected:  # noqa: ASYNC110 - the client tells of it by callback alone, and may be replaced
            await asyncio.sleep(_RETRY_SECONDS)

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """Store one message. A repeated `Nats-Msg-Id` counts as stored. Raises BusError when not acknowledged."""
        async with self._acknowledged(subject):
            await self.jetstream.publish(subject, body, headers=headers, timeout=_ACK_SECONDS)

    async def publish_all(self, messages: list[Message]) -> None:
        """Store all `messages` of one stream in order, as an atomic batch where that pays.

        The server refuses a whole batch for one duplicate (after a crash between its acknowledgement and our mark);
        then each is sent alone, and duplicates are acknowledged as such. Raises BusError when not acknowledged.
        """
        if len(messages) >= BATCH_FROM and await self._publish_batch(messages):
            return
        for subject, body, headers in messages:
            await self.publish(subject, body, headers)

    @asynccontextmanager
    async def _acknowledged(self, what: str) -> AsyncIterator[None]:
        """A block that waits for the server's word: raises BusError as soon as that cannot come any more.

        Without a connection nothing is begun: the client would keep it and send it later, unasked.
        """
        if not self.connected:
            raise BusError(f"{what}: not connected")
        try:
            async with asyncio.timeout(None) as limit:
                self._waiting.add(limit)
                try:
                    yield
                finally:
                    self._waiting.discard(limit)
        except (NatsError, TimeoutError) as error:
            raise BusError(f"{what}: {type(error).__name__}") from error

    async def _publish_batch(self, messages: list[Message]) -> bool:
        batch = uuid4().hex
        async with self._acknowledged("batch"):
            for sequence, (subject, body, headers) in enumerate(messages, start=1):
                marked = {**headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(sequence)}
                if sequence < len(messages):
                    await self._client.publish(subject, body, headers=marked)
                else:
                    marked["Nats-Batch-Commit"] = "1"
                    reply = await self._client.request(subject, body, timeout=_ACK_SECONDS, headers=marked)
        ack = json.loads(reply.data)
        if "error" in ack:
            log.info("batch_refused", code=ack["error"].get("err_code"))
            return False
        return bool(ack.get("count") == len(messages))
