"""Dead letters back to where they came from, once their cause is gone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from contracts.topology import DEAD_LETTERS
from schalter.bus import connected
from schalter.installation import BusAccess


@dataclass(frozen=True)
class DeadLetter:
    """An event that a consumer could not process."""

    sequence: int
    subject: str
    consumer: str
    reason: str


async def replay(access: BusAccess, *, consumer: str | None = None, dry_run: bool = False) -> AsyncIterator[DeadLetter]:
    """Publishes every dead letter (of `consumer`, if given) again and then removes it; yields each when done.

    The event keeps its id: consumers that had processed it ignore it. What arrives while this runs is left for the
    next run, so that a letter that dies again does not go round for ever. Raises SchalterError when the bus cannot be
    reached.
    """
    async with connected(access) as client:
        bus = client.jetstream()
        async for message in _stored(bus):
            headers = dict(message.headers or {})
            letter = DeadLetter(
                sequence=message.seq or 0,
                subject=_origin(message.subject or ""),
                consumer=headers.pop("schalter-consumer", ""),
                reason=headers.pop("schalter-reason", ""),
            )
            if consumer is not None and letter.consumer != consumer:
                continue
            if not dry_run:
                # The stream would drop the original id as a duplicate; the event's own id is in its ce-id.
                headers["Nats-Msg-Id"] = f"replay-{letter.sequence}-{headers.get('ce-id', '')}"
                await bus.publish(letter.subject, message.data or b"", headers=headers)
                await bus.delete_msg(DEAD_LETTERS.name, letter.sequence)
            yield letter


async def _stored(bus: JetStreamContext) -> AsyncIterator[RawStreamMsg]:
    try:
        state = (await bus.stream_info(DEAD_LETTERS.name)).state
    except NotFoundError:
        return
    sequence = state.first_seq
    while sequence <= state.last_seq:
        try:
            message = await bus.get_msg(DEAD_LETTERS.name, seq=sequence, next=True, subject="dead.>")
        except NotFoundError:
            return
        if message.seq is None or message.seq > state.last_seq:
            return
        yield message
        sequence = message.seq + 1


def _origin(subject: str) -> str:
    """`dead.{service}.{subject}` -> `{subject}`."""
    return subject.split(".", 2)[2]
