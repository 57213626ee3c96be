"""The figures that every service tells: each is moved here by the thing that it counts."""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from listening import listens
from prometheus_client import REGISTRY
from pydantic import BaseModel

from chassis import metrics
from chassis.bus import Bus
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from chassis.express import express
from chassis.outbox import Relay
from chassis.problems import Busy
from chassis.service import create_app
from chassis.settings import ServiceSettings
from chassis.vitals import ConsumerFigures, loop_lag
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from schalter.bus import apply
from schalter.embedded import Nats, free_port
from schalter.installation import BusAccess

SAMPLE = load()["casework.stage_changed.v1"][1]
CONSUMER = "booking-casework-stage_changed-v1"
router = APIRouter()


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def clock() -> datetime:
    return datetime.now(UTC)


class Said(BaseModel):
    active: float


@router.get("/quick")
@express
async def quick() -> Said:
    return Said(active=figure("schalter_http_requests_active"))


@router.get("/quick/full")
@express
async def full() -> Said:
    raise Busy


@router.get("/broken")
async def broken() -> Said:
    raise KeyError("broken")


@pytest.fixture
async def client(database: Database, nats_url: str, offices_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings(
        database_url=database.url, nats_url=nats_url, public_url="http://localhost", offices_dir=offices_dir
    )
    app: FastAPI = create_app("notify", settings, title="Test", migrations_dir=offices_dir, routers=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/notify") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/quick", "200", "/quick"),
        ("/quick/full", "503", "/quick/full"),
        ("/broken", "500", "/broken"),
        ("/nowhere/4711", "404", "unmatched"),
    ],
)
async def test_every_answer_counts_under_its_status_and_its_routes_template(
    client: httpx.AsyncClient, path: str, status: str, route: str
) -> None:
    timed = {"method": "GET", "route": route, "status": status}
    before = figure("schalter_http_responses_total", status=status)
    before_timed = figure("schalter_http_request_seconds_count", **timed)
    await client.get(path)
    assert figure("schalter_http_responses_total", status=status) == before + 1
    assert figure("schalter_http_request_seconds_count", **timed) == before_timed + 1


async def test_a_method_that_a_client_makes_up_makes_no_series(client: httpx.AsyncClient) -> None:
    await client.request("BREW", "/quick")
    methods = {sample.labels["method"] for told in metrics.HTTP_SECONDS.collect() for sample in told.samples}
    assert "other" in methods
    assert "BREW" not in methods


async def test_a_request_is_under_way_until_it_is_answered(client: httpx.AsyncClient) -> None:
    before = figure("schalter_http_requests_active")
    assert (await client.get("/quick")).json() == {"active": before + 1}
    assert figure("schalter_http_requests_active") == before


async def test_what_blocks_the_loop_shows_as_lag() -> None:
    task = asyncio.create_task(loop_lag())
    await asyncio.sleep(0)
    before = figure("schalter_loop_lag_seconds_sum")
    time.sleep(0.6)
    await asyncio.sleep(0.05)
    task.cancel()
    assert figure("schalter_loop_lag_seconds_sum") - before > 0.3


async def test_the_pool_tells_who_uses_it_and_who_waits(database: Database) -> None:
    small = Database(database.url, pool_size=1, clock=clock)
    small.tell_figures()

    def told() -> tuple[float, ...]:
        states = [figure("schalter_database_connections", state=state) for state in ("used", "idle")]
        return *states, figure("schalter_database_waiting"), figure("schalter_database_connections_limit")

    assert told() == (0, 0, 0, 1)
    waited = figure("schalter_database_wait_seconds_count")
    async with small.transaction() as tx:
        await tx.execute("SELECT 1")
        other = asyncio.create_task(small.ping())
        await asyncio.sleep(0.05)
        assert told() == (1, 0, 1, 1)
    await other
    assert told() == (0, 1, 0, 1)
    assert figure("schalter_database_wait_seconds_count") == waited + 1
    await small.close()


def errors() -> dict[str, float]:
    return {kind: figure("schalter_database_errors_total", kind=kind) for kind in metrics.DATABASE_ERROR_KINDS}


def risen(before: dict[str, float]) -> dict[str, float]:
    return {kind: count - before[kind] for kind, count in errors().items() if count != before[kind]}


async def test_a_transaction_without_a_connection_was_too_busy(database: Database) -> None:
    small, before = Database(database.url, pool_size=1, clock=clock), errors()
    async with small.transaction() as tx:
        await tx.execute("SELECT 1")
        with pytest.raises(Busy):
            await small.ping()
    assert risen(before) == {"busy": 1}
    await small.close()


async def test_errors_of_the_database_count_by_kind_and_mistakes_do_not(database: Database) -> None:
    async def slow() -> None:
        async with database.transaction() as tx:
            await tx.execute("SET LOCAL statement_timeout = '50ms'")
            await tx.execute("SELECT pg_sleep(5)")

    async def mistaken() -> None:
        async with database.transaction() as tx:
            await tx.execute("SELECT 1 FROM nowhere")

    before = errors()
    with pytest.raises(asyncpg.QueryCanceledError):
        await slow()
    assert risen(before) == {"timeout": 1}
    with pytest.raises(asyncpg.PostgresError):
        await mistaken()
    assert risen(before) == {"timeout": 1}, "a mistake of ours is no trouble of the database's"


async def test_a_connection_that_the_server_ends_was_away(database: Database) -> None:
    async def ended() -> None:
        async with database.transaction() as tx:
            row = await tx.row("SELECT pg_backend_pid() AS pid")
            assert row
            async with database.transaction() as other:
                await other.execute("SELECT pg_terminate_backend(:pid)", pid=row["pid"])
            await asyncio.sleep(0.05)
            await tx.execute("SELECT 1")

    before = errors()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await ended()
    assert risen(before) == {"away": 1}


async def test_two_that_wait_for_each_other_are_a_conflict(database: Database) -> None:
    before = errors()

    async def lock(first: int, second: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(:lock)", lock=first)
            await asyncio.sleep(0.2)
            await tx.execute("SELECT pg_advisory_xact_lock(:lock)", lock=second)

    answers = await asyncio.gather(lock(71, 72), lock(72, 71), return_exceptions=True)
    assert [type(answer) for answer in answers if answer] == [asyncpg.DeadlockDetectedError]
    assert risen(before) == {"conflict": 1}


async def test_what_is_counted_was_committed(database: Database) -> None:
    counted: list[Event] = []
    database.on_committed(counted.append)
    with suppress(ValueError):
        async with database.transaction() as tx:
            await tx.publish(SAMPLE)
            raise ValueError
    async with database.transaction() as tx:
        with suppress(ValueError):
            async with tx.savepoint():
                await tx.publish(SAMPLE)
                raise ValueError
        tx.outbox_row(SAMPLE)  # a statement that did not insert it after all
        assert counted == []
    assert counted == []
    async with database.transaction() as tx:
        await tx.publish(SAMPLE)
        await tx.publish(SAMPLE)
        assert counted == []
    assert counted == [SAMPLE, SAMPLE]


async def test_a_consumer_tells_what_waits_what_is_in_hand_and_what_came_again(database: Database, bus: Bus) -> None:
    release = asyncio.Event()

    async def handle(_: Transaction, __: Event, ___: Meta) -> None:
        if not release.is_set():
            await release.wait()
            raise KeyError("once more")

    consumer = Consumer(StageChanged, handle)
    consumption = Consumption("booking", consumer, bus, database, clock)
    figures = ConsumerFigures("booking", [consumer], bus)
    await figures.ask()  # it is not there yet
    assert figure("schalter_consumer_waiting", consumer=CONSUMER) == 0
    await listens(bus, "booking")
    for _ in range(3):
        meta = Meta.of(SAMPLE, now=clock())
        await bus.publish(SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), meta.headers())
    await figures.ask()
    assert figure("schalter_consumer_waiting", consumer=CONSUMER) == 3
    task = asyncio.create_task(consumption.run())
    async with asyncio.timeout(10):
        while figure("schalter_consumer_unacknowledged", consumer=CONSUMER) != 3:
            await asyncio.sleep(0.05)
            await figures.ask()
    assert figure("schalter_consumer_waiting", consumer=CONSUMER) == 0
    release.set()
    async with asyncio.timeout(20):
        while figure("schalter_consumed_total", consumer=CONSUMER, outcome="done") != 3:
            await asyncio.sleep(0.05)
    assert figure("schalter_consumed_redelivered_total", consumer=CONSUMER) >= 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def server(servers_dir: Path) -> Iterator[Nats]:
    directory = servers_dir / f"nats-{secrets.token_hex(4)}"
    with Nats(directory, free_port(), log=servers_dir / f"{directory.name}.log", durable=False) as server:
        asyncio.run(apply(BusAccess(server.url, "")))
        yield server
    shutil.rmtree(directory, ignore_errors=True)


async def test_what_the_bus_does_not_take_is_a_failure(server: Nats, database: Database, offices_dir: Path) -> None:
    settings = ServiceSettings(
        database_url=database.url, nats_url=server.url, public_url="http://localhost", offices_dir=offices_dir
    )
    bus = Bus("casework", settings)
    await bus.connect()
    relay = Relay(database.url, bus, clock)
    database.on_publish(relay.hand)
    task = asyncio.create_task(relay.run())
    failed = figure("schalter_outbox_failures_total")
    await asyncio.to_thread(server.process.kill)
    async with database.transaction() as tx:
        await tx.publish(SAMPLE)
    async with asyncio.timeout(10):
        while figure("schalter_outbox_failures_total") == failed:
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bus.close()
