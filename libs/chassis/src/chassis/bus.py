"""NATS with JetStream: the connection of one service, and publishing.

Streams and consumers are the operator's (`schalter bus apply`): a service may speak and listen, and waits for what is
not there.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError

from chassis.metrics import BUS_CONNECTED
from chassis.settings import ServiceSettings
from contracts.topology import CONSUMES, PUBLISHES, dead_letter_subject, stream_of

log = structlog.get_logger(__name__)

Message = tuple[str, bytes, dict[str, str]]

#: Below this many messages one by one is quicker than an atomic batch (measured).
BATCH_FROM: Final = 8
_ACK_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.1
#: How often what is missing is looked for.
MISSING_SECONDS: Final = 0.5
#: No stream has this name, so that none stores the message; but one that listens says so.
_FOR_NO_STREAM: Final = {"Nats-Expected-Stream": "none"}
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
        self._missing: set[str] = set()

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

    @property
    def missing(self) -> frozenset[str]:
        """The streams and consumers that this service needs and the bus has not, as far as is known."""
        return frozenset(self._missing)

    def note_missing(self, name: str) -> None:
        """The bus has no stream or consumer `name`; said once in the log, as long as that lasts."""
        if name not in self._missing:
            self._missing.add(name)
            log.error("missing_on_the_bus", missing=name, remedy="schalter bus apply")

    def note_found(self, name: str) -> None:
        """The bus has `name`, for all that was said before."""
        if name in self._missing:
            self._missing.discard(name)
            log.info("found_on_the_bus", found=name)

    async def find_streams(self) -> None:
        """Return once the streams that this service publishes to are there: its own, and that of the dead letters."""
        for subject in (
            PUBLISHES[self.name][0].SUBJECT,
            dead_letter_subject(self.name, CONSUMES[self.name][0].SUBJECT),
        ):
            while not await self._has_stream(subject):  # noqa: ASYNC110 - see below
                await asyncio.sleep(MISSING_SECONDS)  # the bus tells nobody of a new stream

    async def _has_stream(self, subject: str) -> bool:
        """Whether a stream listens to `subject`. Asked by a message that it refuses: a service may ask nothing else."""
        with suppress(BusError):
            async with self._acknowledged(subject):
                await self._client.request(subject, b"", timeout=_ACK_SECONDS, headers=_FOR_NO_STREAM)
            return True
        return False

    def unguessable(self, text: str) -> str:
        """The same for the same `text`, and known to no other service."""
        password = self._settings.nats_password
        key = password.get_secret_value().encode() if password else b""
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    async def ready(self) -> None:
        """Return once there are a connection and the streams, and not at once: what failed with both fails again."""
        await asyncio.sleep(_RETRY_SECONDS)
        while not self.connected:  # noqa: ASYNC110 - the client tells of it by callback alone, and may be replaced
            await asyncio.sleep(_RETRY_SECONDS)
        await self.find_streams()

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """Store one message. A repeated `Nats-Msg-Id` counts as stored. Raises BusError when not acknowledged."""
        async with self._acknowledged(subject):
            stored = await self.jetstream.publish(subject, body, headers=headers, timeout=_ACK_SECONDS)
            _must_be_of(subject, stored.stream)

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
    async def _acknowledged(self, subject: str) -> AsyncIterator[None]:
        """A block that waits for the word of the stream of `subject`: raises BusError once that cannot come any more.

        Without a connection nothing is begun: the client would keep it and send it later, unasked.
        """
        if not self.connected:
            raise BusError(f"{subject}: not connected")
        try:
            async with asyncio.timeout(None) as limit:
                self._waiting.add(limit)
                try:
                    yield
                finally:
                    self._waiting.discard(limit)
        except (NoRespondersError, NoStreamResponseError) as error:
            self.note_missing(stream_of(subject))
            raise BusError(f"{subject}: no stream") from error
        except (NatsError, TimeoutError) as error:
            raise BusError(f"{subject}: {type(error).__name__}") from error
        self.note_found(stream_of(subject))

    async def _publish_batch(self, messages: list[Message]) -> bool:
        batch = uuid4().hex
        async with self._acknowledged(messages[0][0]):
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
        _must_be_of(messages[0][0], ack.get("stream"))
        return bool(ack.get("count") == len(messages))


def _must_be_of(subject: str, stream: str | None) -> None:
    """Raises BusError unless the stream of `subject` has stored it: others may have theirs answer to us."""
    if stream != stream_of(subject):
        raise BusError(f"{subject}: acknowledged by {stream}")
