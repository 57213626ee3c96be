"""The way of an event: committed with its change, forwarded once stored, applied once, or set aside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from listening import listens

from chassis import metrics
from chassis.bus import BATCH_FROM, Bus, Message
from chassis.consumer import Consumer, Consumption, Poison, process
from chassis.database import Database, Transaction
from chassis.outbox import Relay
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SAMPLE = load()["casework.stage_changed.v1"][1]


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(*coroutines: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(c) for c in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.01)


async def stored(bus: Bus, stream: str = "CASEWORK") -> int:
    return int((await bus.jetstream.stream_info(stream)).state.messages)


async def stored_in(bus: Bus, count: int) -> bool:
    return await stored(bus) >= count


async def tx_row(database: Database, sql: str, **parameters: object) -> dict[str, Any]:
    async with database.autocommit() as tx:
        row = await tx.row(sql, **parameters)
    assert row is not None
    return row


def messages(count: int) -> list[Message]:
    made = []
    for _ in range(count):
        meta = Meta.of(SAMPLE, now=NOW)
        made.append((SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), meta.headers()))
    return made


async def test_an_event_of_a_rolled_back_transaction_never_existed(database: Database) -> None:
    async def fail_late() -> None:
        async with database.transaction() as tx:
            await tx.publish(SAMPLE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_late()
    async with database.transaction() as tx:
        assert not await tx.rows("SELECT 1 FROM outbox")


async def test_the_relay_forwards_what_was_committed_and_marks_it(database: Database, bus: Bus) -> None:
    relay = Relay(database.url, bus, clock)
    database.on_publish(relay.hand)
    async with running(relay.run()):
        async with database.transaction() as tx:
            meta = await tx.publish(SAMPLE, actor="citizen")
        await until(lambda: stored(bus))
        message = await bus.jetstream.get_last_msg("CASEWORK", SAMPLE.SUBJECT)
        assert Meta.from_headers(message.headers or {}) == meta
        assert StageChanged.model_validate_json(message.data or b"") == SAMPLE

        async def marked() -> bool:
            async with database.transaction() as tx:
                return bool(await tx.rows("SELECT 1 FROM outbox WHERE published_at IS NOT NULL"))

        await until(marked)


async def test_what_is_handed_to_the_relay_in_memory_is_what_was_committed(database: Database, bus: Bus) -> None:
    """An event that comes alone is forwarded without a look into the outbox: not so one that is not there."""
    relay = Relay(database.url, bus, clock)
    async with running(relay.run()):
        async with database.transaction() as tx:
            await tx.publish(SAMPLE)
        await until(lambda: stored(bus))  # the relay has looked, and found nothing else
        database.on_publish(relay.hand)
        async with database.autocommit() as tx:
            tx.outbox_row(SAMPLE)  # for a statement that found no reason to insert it
        async with database.transaction() as tx:
            with suppress(RuntimeError):
                async with tx.savepoint():
                    await tx.publish(SAMPLE)
                    raise RuntimeError
            meta = await tx.publish(SAMPLE)
        await until(lambda: stored_in(bus, 2))
        message = await bus.jetstream.get_last_msg("CASEWORK", SAMPLE.SUBJECT)
        assert Meta.from_headers(message.headers or {}) == meta
        await asyncio.sleep(0.1)
        assert await stored(bus) == 2


async def test_what_other_processes_commit_is_found_while_one_event_follows_the_other(
    database: Database, bus: Bus
) -> None:
    relay, other = Relay(database.url, bus, clock), Database(database.url, clock=clock)
    database.on_publish(relay.hand)
    async with running(relay.run()):
        async with other.transaction() as tx:
            meta = await tx.publish(SAMPLE)

        async def forwarded() -> bool:
            async with database.transaction() as tx:
                await tx.publish(SAMPLE)
            row = await tx_row(database, "SELECT published_at FROM outbox WHERE event_id = :id", id=meta.id)
            return row["published_at"] is not None

        await until(forwarded)
    await other.close()


async def test_only_one_of_two_relays_forwards(database: Database, bus: Bus) -> None:
    first, second = Relay(database.url, bus, clock), Relay(database.url, bus, clock)
    async with running(first.run(), second.run()):
        async with database.transaction() as tx:
            for _ in range(3):
                await tx.publish(SAMPLE)
        first.hand(None)
        second.hand(None)
        await until(lambda: stored(bus))
        await asyncio.sleep(0.1)
        assert await stored(bus) == 3


async def test_a_row_that_was_stored_but_not_marked_is_stored_once(database: Database, bus: Bus) -> None:
    """As after a crash between the bus's acknowledgement and our mark."""
    async with database.transaction() as tx:
        for _ in range(BATCH_FROM + 2):
            await tx.publish(SAMPLE)
    for _ in range(2):
        relay = Relay(database.url, bus, clock)
        async with running(relay.run()):

            async def all_marked() -> bool:
                async with database.transaction() as tx:
                    return not await tx.rows("SELECT 1 FROM outbox WHERE published_at IS NULL")

            await until(all_marked)
        async with database.transaction() as tx:
            await tx.execute("UPDATE outbox SET published_at = NULL")
    assert await stored(bus) == BATCH_FROM + 2


async def test_a_batch_is_stored_whole_and_a_duplicate_in_it_falls_back_to_single_messages(bus: Bus) -> None:
    batch = messages(BATCH_FROM)
    await bus.publish_all(batch)
    assert await stored(bus) == BATCH_FROM
    await bus.publish_all([*batch[:3], *messages(BATCH_FROM)])
    assert await stored(bus) == 2 * BATCH_FROM


async def test_the_same_event_twice_has_one_effect(database: Database) -> None:
    effects: list[Meta] = []

    async def handle(_: Transaction, __: StageChanged, meta: Meta) -> None:
        effects.append(meta)

    consumer, meta = Consumer(StageChanged, handle), Meta.of(SAMPLE, now=NOW)
    assert isinstance(SAMPLE, StageChanged)
    assert await process(database, "test", consumer, SAMPLE, meta, clock=clock)
    assert not await process(database, "test", consumer, SAMPLE, meta, clock=clock)
    assert effects == [meta]


async def test_an_effect_that_fails_leaves_no_trace_and_is_tried_again(database: Database, bus: Bus) -> None:
    tries: list[int] = []

    async def handle(tx: Transaction, _: Event, __: Meta) -> None:
        await tx.publish(SAMPLE)
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")

    await listens(bus, "test")
    async with running(Consumption("test", Consumer(StageChanged, handle), bus, database, clock).run()):
        await bus.publish_all(messages(1))
        await until(lambda: len(tries) == 3)
        await until(lambda: metrics.CONSUMED.labels("test-casework-stage_changed-v1", "done")._value.get() == 1)
    async with database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM outbox")) == 1


async def test_poison_and_garbage_step_aside_and_the_rest_flows(database: Database, bus: Bus) -> None:
    done: list[Meta] = []
    poisonous = Meta.of(SAMPLE, now=NOW)

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        if meta.id == poisonous.id:
            raise Poison("cannot be")
        done.append(meta)

    await listens(bus, "aside")
    async with running(Consumption("aside", Consumer(StageChanged, handle), bus, database, clock).run()):
        await bus.publish(SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), poisonous.headers())
        await bus.publish(SAMPLE.SUBJECT, b"\xff not json", {**Meta.of(SAMPLE, now=NOW).headers()})
        await bus.publish(SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), {"Nats-Msg-Id": uuid4().hex})
        await bus.publish_all(messages(5))
        await until(lambda: len(done) == 5)
        await until(lambda: _count_is(bus, "DEAD_LETTERS_ASIDE", 3))
    letters = [await bus.jetstream.get_msg("DEAD_LETTERS_ASIDE", sequence) for sequence in (1, 2, 3)]
    assert {letter.subject for letter in letters} == {f"dead.aside.{SAMPLE.SUBJECT}"}
    reasons = sorted((letter.headers or {})["schalter-reason"] for letter in letters)
    assert reasons == ["cannot be", "unreadable: 1 errors", "unreadable: 5 errors"]


async def _count_is(bus: Bus, stream: str, count: int) -> bool:
    return await stored(bus, stream) == count


async def test_a_consumer_waits_out_a_database_outage_without_burying_the_message(database: Database, bus: Bus) -> None:
    done: list[Meta] = []
    attempts: list[int] = []

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionResetError
        done.append(meta)

    await listens(bus, "outage")
    async with running(Consumption("outage", Consumer(StageChanged, handle), bus, database, clock).run()):
        await bus.publish_all(messages(1))
        await until(lambda: len(done) == 1)
    assert await stored(bus, "DEAD_LETTERS_OUTAGE") == 0


async def test_the_relay_gives_up_its_lock_with_its_connection(bus: Bus, database: Database) -> None:
    relay = Relay(database.url, bus, clock)
    async with running(relay.run()):
        await asyncio.sleep(0.2)
    async with database.transaction() as tx:
        await tx.publish(SAMPLE)
    async with running(Relay(database.url, bus, clock).run()):
        await until(lambda: stored(bus))


async def test_what_nobody_asks_for_again_is_forgotten(database: Database, bus: Bus) -> None:
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE idempotent_answers")
        for days in (1, 50):
            at = clock() - timedelta(days=days)
            meta = await tx.publish(SAMPLE)
            await tx.execute("UPDATE outbox SET published_at = :at WHERE event_id = :id", at=at, id=meta.id)
            await tx.execute("INSERT INTO inbox VALUES ('test', :id, :at)", id=meta.id, at=at)
            await tx.execute(
                "INSERT INTO idempotent_answers (scope, key, request_hash, created_at) VALUES ('test', :key, '', :at)",
                key=str(days),
                at=at,
            )

    async def pruned() -> bool:
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM inbox) AS inbox,"
                " (SELECT count(*) FROM idempotent_answers) AS answers"
            )
        return dict(rows[0]) == {"outbox": 1, "inbox": 1, "answers": 1}

    async with running(Relay(database.url, bus, clock).run()):
        await until(pruned)


async def test_poison_that_came_in_a_batch_steps_aside_too(database: Database, bus: Bus) -> None:
    async def handle(_: Transaction, __: Event, ___: Meta) -> None:
        raise Poison("cannot be")

    await listens(bus, "batch")
    async with running(Consumption("batch", Consumer(StageChanged, handle), bus, database, clock).run()):
        await bus.publish_all(messages(BATCH_FROM))
        await until(lambda: _count_is(bus, "DEAD_LETTERS_BATCH", BATCH_FROM))


async def test_a_backlog_is_applied_together_and_each_event_once(database: Database, bus: Bus) -> None:
    """Also when it holds an event twice."""
    applied: list[UUID] = []
    transactions: set[int] = set()

    async def handle(tx: Transaction, _: Event, meta: Meta) -> None:
        row = await tx.row("SELECT pg_current_xact_id()::text::bigint AS number")
        assert row
        transactions.add(row["number"])
        applied.append(meta.id)

    backlog = messages(60)
    again = [(subject, body, headers | {"Nats-Msg-Id": uuid4().hex}) for subject, body, headers in backlog[:10]]
    await bus.publish_all(backlog)
    await bus.publish_all(again)
    await listens(bus, "backlog")
    async with running(Consumption("backlog", Consumer(StageChanged, handle), bus, database, clock).run()):
        await until(lambda: _inbox_is(database, 60))
        await until(
            lambda: metrics.CONSUMED.labels("backlog-casework-stage_changed-v1", "duplicate")._value.get() == 10
        )
    assert len(applied) == len(set(applied)) == 60
    assert len(transactions) < 10


async def test_one_that_fails_in_a_backlog_takes_no_other_with_it(database: Database, bus: Bus) -> None:
    backlog = messages(40)
    bad = Meta.from_headers(backlog[20][2]).id

    async def handle(tx: Transaction, _: Event, meta: Meta) -> None:
        await tx.publish(SAMPLE)
        if meta.id == bad:
            raise Poison("cannot be")

    await bus.publish_all(backlog)
    await listens(bus, "mixed")
    async with running(Consumption("mixed", Consumer(StageChanged, handle), bus, database, clock).run()):
        await until(lambda: _inbox_is(database, 39))
        await until(lambda: _count_is(bus, "DEAD_LETTERS_MIXED", 1))
    async with database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM outbox")) == 39


async def _inbox_is(database: Database, count: int) -> bool:
    async with database.autocommit() as tx:
        return len(await tx.rows("SELECT 1 FROM inbox")) == count
