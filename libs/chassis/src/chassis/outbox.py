"""Publishing is inserting a row in the transaction of the change; a relay forwards it.

One relay per service (an advisory lock decides which instance), in batches, woken by the commit and by a one-second
poll. A row is marked after JetStream acknowledged it, so a crash in between sends it again under the same id.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol, TypedDict
from uuid import UUID

import asyncpg
import structlog

from chassis.bus import BusError
from chassis.clock import Clock
from chassis.metrics import OUTBOX_FAILURES, OUTBOX_LAG_SECONDS, OUTBOX_PUBLISHED
from chassis.steps import step
from chassis.traces import collected, trace_id
from contracts.base import Event, Meta
from contracts.topology import FORGETTING

log = structlog.get_logger(__name__)

BATCH: Final = 500
KEEP: Final = timedelta(hours=72)
#: Longer than any stream keeps its messages, so that no event can come back after it was forgotten.
KEEP_INBOX: Final = timedelta(days=45)
_LOCK: Final = 5_124_002
_POLL_SECONDS: Final = 1.0
#: Where several events came at once more are on their way: they gather for so long, to share their round trips. One
#: that comes alone goes at once.
_GATHER_SECONDS: Final = 0.03
#: How often it is said that the bus takes nothing, which is tried many times a second.
_SAY_SECONDS: Final = 30.0
#: A connection that answers nothing for so long is dead, though nobody said so.
_COMMAND_SECONDS: Final = 10.0
_SESSION: Final = {
    # The server must notice a dead end, too, for that holds the lock: it ends who has asked nothing for so long.
    "idle_session_timeout": "20s",
    # A mark that a power cut takes back lets its event go out again, under the same id: applied once.
    "synchronous_commit": "off",
}

INSERT: Final = """
    INSERT INTO outbox (event_id, subject, headers, body, created_at)
    VALUES (:event_id, :subject, CAST(:headers AS jsonb), :body, :created_at)
"""


class OutboxRow(TypedDict):
    """The parameters of INSERT."""

    event_id: UUID
    subject: str
    headers: str
    body: bytes
    created_at: datetime


class Publisher(Protocol):
    """Where the relay forwards to."""

    async def publish_all(self, messages: list[tuple[str, bytes, dict[str, str]]]) -> None:
        """Return when every (subject, body, headers) is stored by the bus. Raises BusError otherwise."""
        ...

    async def ready(self) -> None:
        """Return when it is worth another try."""
        ...


def row_of(event: Event, meta: Meta) -> OutboxRow:
    """`event` as a row of the outbox."""
    return OutboxRow(
        event_id=meta.id,
        subject=event.SUBJECT,
        headers=json.dumps(meta.headers()),
        body=event.model_dump_json().encode(),
        created_at=meta.time,
    )


class Relay:
    """Forwards committed events of one service to the bus, oldest first."""

    def __init__(self, database_url: str, publisher: Publisher, clock: Clock) -> None:
        self._url = database_url
        self._publisher = publisher
        self._clock = clock
        self._woken = asyncio.Event()
        #: What was committed since the last look; of two or more nobody needs the rows.
        self._handed: deque[OutboxRow | None] = deque(maxlen=2)
        #: Until when nothing else lies in the outbox as far as is known: others are looked for every second.
        self._settled_until = 0.0

    def hand(self, row: OutboxRow | None) -> None:
        """Something was committed: `row`, which is forwarded from memory if it comes alone, or whatever is found."""
        self._handed.append(row)
        self._woken.set()

    async def run(self) -> None:
        """Forward until cancelled; waits for the bus while that is away.

        Raises on trouble with the database; whoever runs it starts it again.
        """
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self._url, timeout=5, command_timeout=_COMMAND_SECONDS, server_settings=_SESSION
        )
        try:
            # Another process holds the lock: there is no event here to wait for.
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 - see above
                await asyncio.sleep(_POLL_SECONDS)
            await self._forward_forever(connection)
        finally:
            connection.terminate()

    async def _forward_forever(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        prune_at = self._clock()
        say_at = 0.0
        while True:
            self._woken.clear()
            try:
                forwarded = await self._forward(connection)
            except BusError as error:
                OUTBOX_FAILURES.inc()
                if (passed := time.monotonic()) >= say_at:
                    say_at = passed + _SAY_SECONDS
                    log.warning("waiting_for_the_bus", error=str(error))
                await self._publisher.ready()
                continue
            say_at = 0.0
            if forwarded == BATCH:
                continue
            if (now := self._clock()) >= prune_at:
                prune_at = now + timedelta(hours=1)
                await prune(connection, now)
            try:
                async with asyncio.timeout(_POLL_SECONDS):  # where wait_for makes a task, and a detour through the loop
                    await self._woken.wait()
            except TimeoutError:
                await connection.fetchval("SELECT 1")  # the lock lives as long as this connection does
                continue
            if forwarded > 1:
                await asyncio.sleep(_GATHER_SECONDS)

    async def _forward(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        handed = list(self._handed)
        self._handed.clear()
        now = asyncio.get_running_loop().time()
        settled_until, self._settled_until = self._settled_until, 0.0  # whatever fails now is looked for again
        if now < settled_until and len(handed) == 1 and handed[0]:
            # If the last look has found it already the bus knows its id, and drops it.
            await self._forward_one(connection, handed[0])
            self._settled_until = settled_until
            return 1
        forwarded = await self._forward_batch(connection)
        self._settled_until = 0.0 if forwarded == BATCH else now + _POLL_SECONDS
        return forwarded

    async def _forward_one(self, connection: "asyncpg.Connection[asyncpg.Record]", row: OutboxRow) -> None:
        headers = json.loads(row["headers"])
        await self._publisher.publish_all([(row["subject"], row["body"], headers)])
        now = self._clock()
        await connection.execute("UPDATE outbox SET published_at = $1 WHERE event_id = $2", now, row["event_id"])
        self._note(row["subject"], row["created_at"], now, headers)

    async def _forward_batch(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        rows = await connection.fetch(
            "SELECT id, subject, headers, body, created_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1",
            BATCH,
        )
        if not rows:
            return 0
        messages = [(row["subject"], row["body"], json.loads(row["headers"])) for row in rows]
        await self._publisher.publish_all(messages)
        now = self._clock()
        await connection.execute("UPDATE outbox SET published_at = $1 WHERE id = ANY($2)", now, [r["id"] for r in rows])
        for row, (subject, _, headers) in zip(rows, messages, strict=True):
            self._note(subject, row["created_at"], now, headers)
        return len(rows)

    @staticmethod
    def _note(subject: str, created_at: datetime, now: datetime, headers: Mapping[str, str]) -> None:
        lag = max(0.0, (now - created_at).total_seconds())
        OUTBOX_PUBLISHED.labels(subject).inc()
        OUTBOX_LAG_SECONDS.observe(lag)
        traceparent = headers.get("ce-traceparent")
        step(
            "published",
            correlation_id=headers.get("ce-correlationid"),
            trace_id=trace_id(traceparent),
            subject=subject,
            event_id=headers.get("ce-id"),
            about=headers.get("ce-subject"),
            ms=round(lag * 1000, 1),
        )
        if spans := collected():
            spans.past(f"publish {subject}", "producer", lag, parent=traceparent, messaging__system="nats")


async def prune(connection: "asyncpg.Connection[asyncpg.Record]", now: datetime) -> None:
    """Forget what nobody will ask for again; the answers may hold personal data, such as a citizen's link.

    Of whom is to be forgotten nothing that was published is kept, but that.
    """
    await connection.execute("DELETE FROM outbox WHERE published_at < $1", now - KEEP)
    await connection.execute(
        """
        DELETE FROM outbox
         WHERE published_at IS NOT NULL AND subject <> ALL($1)
           AND headers ->> 'ce-subject' IN (
               SELECT headers ->> 'ce-subject' FROM outbox WHERE published_at IS NOT NULL AND subject = ANY($1))
        """,
        FORGETTING,
    )
    await connection.execute("DELETE FROM idempotent_answers WHERE created_at < $1", now - KEEP)
    await connection.execute("DELETE FROM inbox WHERE received_at < $1", now - KEEP_INBOX)
