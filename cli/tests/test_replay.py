"""Dead letters go back to their subject, keep their event's id, and leave the dead-letter stream."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from contracts.topology import DEAD_LETTERS, STREAMS, dead_letter_subject
from schalter.embedded import Nats, SchalterError, free_port
from schalter.installation import BusAccess
from schalter.nats_config import OPERATOR, inbox_prefix, service_users
from schalter.replay import DeadLetter, replay

PASSWORDS = {name: f"pw-{name}" for name in (*STREAMS, OPERATOR)}
SUBJECT = "booking.completed.v1"


@pytest.fixture(scope="module")
def bus(servers_dir: Path) -> Iterator[Nats]:
    users = service_users(PASSWORDS)
    with Nats(
        servers_dir / "replay", free_port(), log=servers_dir / "replay.log", users=users, durable=False
    ) as server:
        yield server


@pytest.fixture
async def operator(bus: Nats) -> AsyncIterator[JetStreamContext]:
    """The operator's view, streams empty but for one event that notify and casework could not process."""
    client = await nats.connect(
        bus.url, user=OPERATOR, password=PASSWORDS[OPERATOR], inbox_prefix=inbox_prefix(OPERATOR)
    )
    js = client.jetstream()
    for stream in (STREAMS["booking"], *DEAD_LETTERS.values()):
        await js.add_stream(StreamConfig(name=stream.name, subjects=list(stream.subjects), max_bytes=2**20))
        await js.purge_stream(stream.name)
    event = await js.publish(SUBJECT, b'{"n": 1}', headers={"ce-id": "the-event"})
    for service in ("notify", "casework"):
        headers = {
            "Nats-Msg-Id": f"dlq-{service}-7",
            "ce-id": "the-event",
            "schalter-sequence": str(event.seq),
            "schalter-consumer": f"{service}-booking-completed-v1",
            "schalter-reason": "KeyError after 5 tries",
        }
        await js.publish(dead_letter_subject(service, SUBJECT), b'{"n": 1}', headers=headers)
    yield js
    for stream in (STREAMS["booking"], *DEAD_LETTERS.values()):
        await js.delete_stream(stream.name)
    await client.close()


async def emptied(operator: JetStreamContext) -> None:
    """No letters."""
    for stream in DEAD_LETTERS.values():
        await operator.purge_stream(stream.name)


async def left(operator: JetStreamContext) -> int:
    """How many letters there are."""
    return sum([(await operator.stream_info(stream.name)).state.messages for stream in DEAD_LETTERS.values()])


def access(bus: Nats) -> BusAccess:
    return BusAccess(bus.url, PASSWORDS[OPERATOR])


async def test_every_letter_is_published_again_and_removed(bus: Nats, operator: JetStreamContext) -> None:
    letters = [letter async for letter in replay(access(bus))]
    assert [letter.consumer for letter in letters] == ["casework-booking-completed-v1", "notify-booking-completed-v1"]
    assert {letter.reason for letter in letters} == {"KeyError after 5 tries"}
    assert await left(operator) == 0
    again = await operator.get_last_msg(STREAMS["booking"].name, SUBJECT)
    assert again.data == b'{"n": 1}'
    assert (again.headers or {})["ce-id"] == "the-event"
    assert "schalter-reason" not in (again.headers or {})


async def test_only_one_consumer(bus: Nats, operator: JetStreamContext) -> None:
    letters = [letter async for letter in replay(access(bus), consumer="notify-booking-completed-v1")]
    assert len(letters) == 1
    assert await left(operator) == 1


async def test_a_dry_run_only_lists(bus: Nats, operator: JetStreamContext) -> None:
    letters: list[DeadLetter] = [letter async for letter in replay(access(bus), dry_run=True)]
    assert [letter.subject for letter in letters] == [SUBJECT, SUBJECT]
    assert await left(operator) == 2
    assert (await operator.stream_info(STREAMS["booking"].name)).state.messages == 1


async def test_what_is_replayed_is_the_event_and_not_the_letters_word(bus: Nats, operator: JetStreamContext) -> None:
    await emptied(operator)
    for sequence in ("1", "2", "x", ""):
        headers = {"ce-id": "forged", "schalter-sequence": sequence}
        await operator.publish(dead_letter_subject("payment", "booking.cancelled.v1"), b"forged", headers=headers)
    before = (await operator.stream_info(STREAMS["booking"].name)).state.messages
    letters = [letter async for letter in replay(access(bus))]
    assert all("no longer on the bus" in letter.kept for letter in letters)
    assert (await operator.stream_info(STREAMS["booking"].name)).state.messages == before
    assert await left(operator) == 4
    assert [letter.kept async for letter in replay(access(bus), copies=True)] == [""] * 4


async def test_a_letter_about_what_its_service_does_not_take_stays(bus: Nats, operator: JetStreamContext) -> None:
    """Among them an order to the bus itself, which the operator's hand would carry out."""
    await emptied(operator)
    for tail in ("$JS.API.STREAM.DELETE.BOOKING", "booking.erased.v1", "nowhere.v1"):
        await operator.publish(f"dead.payment.{tail}", b"{}", headers={"ce-id": "x", "schalter-sequence": "1"})
    letters = [letter async for letter in replay(access(bus), copies=True)]
    assert all("takes no such event" in letter.kept for letter in letters)
    assert (await operator.stream_info(STREAMS["booking"].name)).state.messages == 1
    assert await left(operator) == 3


async def test_a_bus_that_is_away_is_one_line() -> None:
    with pytest.raises(SchalterError, match="cannot be reached"):
        async for _ in replay(BusAccess(f"nats://127.0.0.1:{free_port()}", "x")):
            pass
