"""Dead letters back to where they came from, once their cause is gone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from contracts.topology import CONSUMES, DEAD_LETTERS, FORMER_DEAD_LETTERS, stream_of
from schalter.bus import connected
from schalter.installation import BusAccess

_FOREIGN: Final = "this service takes no such event; look who put it there"
_GONE: Final = "its event is no longer on the bus; --copies replays what the service has kept of it"


@dataclass(frozen=True)
class DeadLetter:
    """An event that a consumer could not process. `kept`: why it is not replayed; empty when it is."""

    stream: str
    sequence: int
    subject: str
    consumer: str
    reason: str
    kept: str = ""


async def replay(
    access: BusAccess, *, consumer: str | None = None, dry_run: bool = False, copies: bool = False
) -> AsyncIterator[DeadLetter]:
    """Publishes the event of every dead letter (of `consumer`, if given) again, removes the letter, and yields each.

    What is published is the event as its owner published it, found on the bus: a letter is a service's word, and the
    operator's hand would carry out whatever stood in it. `copies` believes that word where the event is gone. What the
    service does not consume stays where it is. The event keeps its id: consumers that had processed it ignore it. What
    arrives while this runs is left for the next run, so that a letter that dies again does not go round for ever.
    Raises SchalterError when the bus cannot be reached.
    """
    async with connected(access) as client:
        bus = client.jetstream()
        async for stream, message in _all(bus):
            letter = _letter(stream, message)
            if consumer is not None and letter.consumer != consumer:
                continue
            event = None if letter.kept else await _original(bus, message, letter.subject)
            if event is None and not letter.kept:
                event = message if copies else None
                letter = letter if copies else replace(letter, kept=_GONE)
            if event is not None and not dry_run:
                # The stream would drop the original id as a duplicate; the event's own id is in its ce-id.
                told = {name: value for name, value in (event.headers or {}).items() if not _ours(name)}
                told["Nats-Msg-Id"] = f"replay-{letter.stream}-{letter.sequence}-{told.get('ce-id', '')}"
                await bus.publish(letter.subject, event.data or b"", headers=told)
                await bus.delete_msg(letter.stream, letter.sequence)
            yield letter


async def _all(bus: JetStreamContext) -> AsyncIterator[tuple[str, RawStreamMsg]]:
    """All letters, those of before there was a stream for each service first."""
    for stream in (FORMER_DEAD_LETTERS, *DEAD_LETTERS.values()):
        async for message in _stored(bus, stream.name):
            yield stream.name, message


async def _stored(bus: JetStreamContext, stream: str) -> AsyncIterator[RawStreamMsg]:
    try:
        state = (await bus.stream_info(stream)).state
    except NotFoundError:
        return
    sequence = state.first_seq
    while sequence <= state.last_seq:
        try:
            message = await bus.get_msg(stream, seq=sequence, next=True, subject="dead.>")
        except NotFoundError:
            return
        if message.seq is None or message.seq > state.last_seq:
            return
        yield message
        sequence = message.seq + 1


def _letter(stream: str, message: RawStreamMsg) -> DeadLetter:
    """`dead.{service}.{subject}`, and why."""
    headers = message.headers or {}
    _, service, subject = (message.subject or "").split(".", 2)
    consumed = {event.SUBJECT for event in CONSUMES.get(service, ())}
    return DeadLetter(
        stream=stream,
        sequence=message.seq or 0,
        subject=subject,
        consumer=headers.get("schalter-consumer", ""),
        reason=headers.get("schalter-reason", ""),
        kept="" if subject in consumed else _FOREIGN,
    )


async def _original(bus: JetStreamContext, letter: RawStreamMsg, subject: str) -> RawStreamMsg | None:
    """The event that the letter is about, as its owner published it; None when it is no longer there."""
    headers = letter.headers or {}
    sequence = headers.get("schalter-sequence", "")
    if not sequence.isdecimal():
        return None
    try:
        event = await bus.get_msg(stream_of(subject), seq=int(sequence))
    except NotFoundError:
        return None
    same = event.subject == subject and (event.headers or {}).get("ce-id") == headers.get("ce-id")
    return event if same else None


def _ours(header: str) -> bool:
    """What stands beside the event: why it died, and the bus's own, of which those of a batch would be refused."""
    return header.startswith(("Nats-", "schalter-"))
