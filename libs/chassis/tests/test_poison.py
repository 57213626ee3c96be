"""Poison within a backlog has its tries and is set aside; all others have their effect once, and soon (F19)."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from listening import listens

from chassis.bus import Bus, Message
from chassis.consumer import MAX_TRIES, Consumer, Consumption, Poison
from chassis.database import Database, Transaction
from chassis.problems import Busy
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from contracts.topology import dead_letters

SAMPLE = load()["casework.stage_changed.v1"][1]
#: The pauses between the tries of one that fails are 22.5 s in all; nobody else waits for that.
SOON = 10.0
AFTER_ALL_TRIES = 120.0

Handle = Callable[[Transaction, Event, Meta], Awaitable[None]]


def clock() -> datetime:
    return datetime.now(UTC)


class Backlog:
    """Events that were published before anybody listened, each with an effect of its own in the database."""

    def __init__(self, size: int) -> None:
        self.messages: list[Message] = []
        self.tries = Counter[UUID]()
        for _ in range(size):
            meta = Meta.of(SAMPLE, now=clock())
            # Of an appointment each, so that the order in which they are applied is not that of publishing.
            meta = meta.model_copy(update={"subject": str(uuid4())})
            self.messages.append((SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), meta.headers()))

    @property
    def ids(self) -> list[UUID]:
        """The events' ids, in the order of publishing."""
        return [Meta.from_headers(headers).id for _, _, headers in self.messages]

    def handler(self, bad: Mapping[UUID, Callable[[Transaction], Awaitable[None]]]) -> Handle:
        """An effect in the database for every event; then those in `bad` fail in their way."""

        async def handle(tx: Transaction, _: Event, meta: Meta) -> None:
            self.tries[meta.id] += 1
            await tx.execute("INSERT INTO effect (event_id) VALUES (:id)", id=meta.id)
            if meta.id in bad:
                await bad[meta.id](tx)

        return handle


async def raises(_: Transaction) -> None:
    raise KeyError("nobody thought of this")


async def is_poison(_: Transaction) -> None:
    raise Poison("cannot be")


async def breaks_the_transaction(tx: Transaction) -> None:
    """What PostgreSQL refuses spoils the transaction that it happens in."""
    await tx.execute("INSERT INTO effect (event_id) VALUES (NULL)")


@asynccontextmanager
async def consuming(bus: Bus, database: Database, handle: Handle) -> AsyncIterator[None]:
    await listens(bus, "poison")
    task = asyncio.create_task(Consumption("poison", Consumer(StageChanged, handle), bus, database, clock).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


async def effects(database: Database) -> Counter[UUID]:
    async with database.autocommit() as tx:
        return Counter(row["event_id"] for row in await tx.rows("SELECT event_id FROM effect"))


async def letters(bus: Bus) -> dict[UUID, str]:
    """The dead letters' events, with the reason."""
    state = (await bus.jetstream.stream_info(dead_letters("poison").name)).state
    found = {}
    for sequence in range(max(1, state.first_seq), state.last_seq + 1):
        headers = (await bus.jetstream.get_msg(dead_letters("poison").name, sequence)).headers or {}
        found[Meta.from_headers(headers).id] = headers["schalter-reason"]
    return found


def tries(reason: str) -> int:
    """How often the bus has handed it out, which on a busy machine may be once more than it was tried."""
    found = re.fullmatch(r"\w+ after (\d+) tries", reason)
    assert found, reason
    return int(found[1])


async def settled(bus: Bus) -> bool:
    info = await bus.jetstream.consumer_info("CASEWORK", "poison-casework-stage_changed-v1")
    return not info.num_pending and not info.num_ack_pending


async def spoiled(
    bus: Bus, database: Database, size: int, how: Mapping[int, Callable[[Transaction], Awaitable[None]]]
) -> Backlog:
    """Publishes a backlog, consumes it, and states what must be true of the good ones."""
    backlog = Backlog(size)
    bad = {backlog.ids[at]: fails for at, fails in how.items()}
    good = Counter(id_ for id_ in backlog.ids if id_ not in bad)
    await bus.publish_all(backlog.messages)
    async with consuming(bus, database, backlog.handler(bad)):

        async def good_are_done() -> bool:
            with suppress(Busy):  # the consumer has all connections: on a busy machine for longer than one waits
                return await effects(database) == good
            return False

        await until(good_are_done, SOON, "every good event has its effect")

        async def bad_are_set_aside() -> bool:
            return (await letters(bus)).keys() == bad.keys()

        await until(bad_are_set_aside, AFTER_ALL_TRIES, "the bad ones are dead letters")
        await until(lambda: settled(bus), SOON, "nothing is pending")
    assert await effects(database) == good, "each once, and nothing of a bad one"
    async with database.autocommit() as tx:
        known = {row["event_id"] for row in await tx.rows("SELECT event_id FROM inbox")}
    assert known == good.keys(), "a dead letter may be replayed"
    return backlog


async def test_one_that_always_fails_has_its_tries_and_holds_up_nobody(bus: Bus, database: Database) -> None:
    backlog = await spoiled(bus, database, 120, {60: raises})
    failed = backlog.ids[60]
    assert tries((await letters(bus))[failed]) >= MAX_TRIES
    assert backlog.tries[failed] > 1


async def test_several_of_every_kind_first_last_and_side_by_side(bus: Bus, database: Database) -> None:
    kinds = [raises, is_poison, breaks_the_transaction]
    places = [0, 1, 2, 57, 58, 149, *random.Random(19).sample(range(60, 149), 6)]
    how = {at: kinds[number % 3] for number, at in enumerate(places)}
    backlog = await spoiled(bus, database, 150, how)
    reasons = await letters(bus)
    for at, fails in how.items():
        reason = reasons[backlog.ids[at]]
        assert reason == "cannot be" if fails is is_poison else tries(reason) >= MAX_TRIES, reason


async def test_nothing_but_poison_ends_in_the_dead_letters_and_the_next_one_flows(bus: Bus, database: Database) -> None:
    await spoiled(bus, database, 40, dict.fromkeys(range(40), is_poison))
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE effect, inbox")
    backlog = Backlog(10)
    await bus.publish_all(backlog.messages)
    async with consuming(bus, database, backlog.handler({})):

        async def done() -> bool:
            return await effects(database) == Counter(backlog.ids)

        await until(done, SOON, "what comes later flows")


async def test_what_comes_while_one_has_its_tries_does_not_wait_for_it(bus: Bus, database: Database) -> None:
    backlog = Backlog(30)
    failing, later = backlog.ids[0], backlog.messages[10:]
    await bus.publish_all(backlog.messages[:10])
    async with consuming(bus, database, backlog.handler({failing: raises})):

        async def tried_twice() -> bool:
            return backlog.tries[failing] >= 2

        await until(tried_twice, SOON, "it was tried again")
        for number, message in enumerate(later):
            await bus.publish(*message)
            expected = set(backlog.ids[1 : 11 + number])

            async def applied(expected: set[UUID] = expected) -> bool:
                return (await effects(database)).keys() == expected

            await until(applied, SOON, "what came meanwhile has its effect")
        assert await letters(bus) == {}, "it still has tries"


async def test_a_dead_letter_that_is_given_back_has_its_effect_once(bus: Bus, database: Database) -> None:
    """Its cause is gone: sent again under another id of the bus, it is still the same event."""
    backlog = await spoiled(bus, database, 20, {7: is_poison})
    subject, body, headers = backlog.messages[7]
    again = [(subject, body, headers | {"Nats-Msg-Id": f"replay-{number}"}) for number in range(2)]
    await bus.publish_all(again)
    async with consuming(bus, database, backlog.handler({})):

        async def done() -> bool:
            return await settled(bus) and await effects(database) == Counter(backlog.ids)

        await until(done, SOON, "it has its effect, once")


@pytest.mark.parametrize("size", [3, 400])
async def test_unreadable_ones_step_aside_whatever_the_size_of_the_backlog(
    bus: Bus, database: Database, size: int
) -> None:
    """A body that is no event: no handler ever sees it, and no try helps."""
    backlog = Backlog(size)
    for at in (0, size - 1):
        subject, _, headers = backlog.messages[at]
        backlog.messages[at] = (subject, b'{"stage": 1}', headers)
    good = Counter(backlog.ids[1:-1])
    await bus.publish_all(backlog.messages)
    async with consuming(bus, database, backlog.handler({})):

        async def done() -> bool:
            return await effects(database) == good and len(await letters(bus)) == 2

        await until(done, SOON, "the good ones are applied, the unreadable ones set aside")
        await until(lambda: settled(bus), SOON, "nothing is pending")
    assert all(reason.startswith("unreadable") for reason in (await letters(bus)).values())
    assert backlog.tries.keys() == good.keys()
