"""What notify tells Prometheus: what became of mails, and how many messages wait, by which an absent server is seen."""

import asyncio
from datetime import datetime
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from chassis.clock import Clock
from chassis.database import Database
from chassis.metrics import at_zero
from contracts.base import Event
from contracts.notify import Failed, MessageKind
from notify.model import Message, Trouble

_EVERY_SECONDS: Final = 10.0
WAITING: Final = Gauge(
    "schalter_messages_waiting", "Messages that are to be handed over. Max of processes.", ("channel",)
)
OLDEST_SECONDS: Final = Gauge(
    "schalter_messages_oldest_seconds",
    "How long the oldest message has waited to be handed over. One that the server answers with a later is somebody's "
    "mailbox, and counts only while it does so for more than three people. Max of processes.",
    ("channel",),
)
#: For so many at once "later" may be their mailboxes; for more it is the server.
_MAILBOXES: Final = 3
_CHANNELS: Final = ("mail", "sms")
at_zero(WAITING, _CHANNELS)
at_zero(OLDEST_SECONDS, _CHANNELS)
MAILS: Final = Counter("schalter_mails_total", "Tries to hand a mail over.", ("kind", "outcome"))
MAIL_SECONDS: Final = Histogram(
    "schalter_mail_seconds",
    "Time from the message being queued to the mail server's acceptance, in seconds.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3600),
)


SHORT_MESSAGES: Final = Counter(
    "schalter_short_messages_total", "Tries to hand a short message to its provider.", ("outcome",)
)
SHORT_MESSAGE_SECONDS: Final = Histogram(
    "schalter_short_message_seconds",
    "Time from the short message being queued to the provider's acceptance, in seconds.",
    buckets=(0.1, 0.5, 1, 5, 30, 60, 300, 3600),
)
GIVEN_UP: Final = Counter(
    "schalter_messages_given_up_total",
    "Mails that reach nobody: not taken for a day, refused for good, or returned. Clerks see whom they concern.",
    ("kind", "reason"),
)
#: What becomes of a try, beside `Trouble`.
_OUTCOMES: Final = ("delivered", "not_composed", *Trouble)
_REASONS: Final = get_args(Failed.model_fields["reason"].annotation)


def begin_at_zero() -> None:
    """All series are there from the start: an alert on a rise does not see one that begins at one."""
    at_zero(MAILS, get_args(MessageKind), _OUTCOMES)
    at_zero(SHORT_MESSAGES, _OUTCOMES)
    at_zero(GIVEN_UP, get_args(MessageKind), _REASONS)


def tried(message: Message, outcome: str) -> None:
    """A try to hand `message` over ended so."""
    if message.channel == "sms":
        SHORT_MESSAGES.labels(outcome).inc()
    else:
        MAILS.labels(message.kind, outcome).inc()


def delivered(message: Message, now: datetime) -> None:
    """`message` was taken at `now`."""
    tried(message, "delivered")
    seconds = MAIL_SECONDS if message.channel == "mail" else SHORT_MESSAGE_SECONDS
    seconds.observe(max(0.0, (now - message.created_at).total_seconds()))


def published(event: Event) -> None:
    """Count what `event`, which was committed, says."""
    if isinstance(event, Failed):
        GIVEN_UP.labels(event.kind, event.reason).inc()


async def watch(database: Database, clock: Clock) -> None:
    """Keep the gauges true, at most ten seconds old, until cancelled."""
    while True:
        await count(database, clock)
        await asyncio.sleep(_EVERY_SECONDS)


async def count(database: Database, clock: Clock) -> None:
    """Count once, all offices together."""
    async with database.autocommit() as tx:
        rows = await tx.rows(
            """
            SELECT channel, count(*) AS waiting, min(created_at) AS oldest,
                   min(created_at) FILTER (WHERE trouble IS DISTINCT FROM :deferred) AS oldest_unanswered,
                   count(DISTINCT recipient) FILTER (WHERE trouble = :deferred) AS put_off
              FROM message WHERE /* everywhere */ state = 'pending' GROUP BY channel
            """,
            deferred=Trouble.DEFERRED,
        )
    found = {row["channel"]: row for row in rows}
    for channel in _CHANNELS:
        row = found.get(channel)
        WAITING.labels(channel).set(row["waiting"] if row else 0)
        oldest = row and row["oldest" if row["put_off"] > _MAILBOXES else "oldest_unanswered"]
        age = (clock() - oldest).total_seconds() if oldest else 0.0
        OLDEST_SECONDS.labels(channel).set(max(0.0, age))
