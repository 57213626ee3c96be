"""G11, G12, F14: from the booking to the mail, beside bare JetStream; and the booking while the mail server hangs."""

import asyncio
import json
import secrets
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlmodel import SQLModel

from bench.anchors import chain
from bench.goals.bookings import Orders, book, starts
from bench.load import Connection, Tally
from bench.meter import Round, expect, take_turns
from bench.pace import Pace
from bench.report import Result
from bench.sink import Sink
from bench.stand import Running, Stand
from chassis.bus import Bus
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from chassis.outbox import Relay
from chassis.settings import ServiceSettings
from chassis.tables import IdempotentAnswer, Inbox, Outbox
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from contracts.topology import consumer
from schalter.bus import apply, consumer_settings, create
from schalter.embedded import Nats, free_port
from schalter.installation import BusAccess

_EVENT = load()["casework.stage_changed.v1"][1]


async def measure(stand: Stand, pace: Pace) -> list[Result]:
    """All three, on a bus of their own: what other goals published is nobody's to send here."""
    sink = Sink()
    server, smtp_port = await sink.serve()
    with Nats(stand.directory / "nats-mails", free_port(), log=stand.directory / "nats-mails.log") as nats:
        await apply(BusAccess(nats.url, ""))
        async with server, chain.chain(nats.url) as bare:
            booking = stand.booking("mails", 5, nats_url=nats.url)
            stand.notify("mails_notify", nats_url=nats.url, smtp_port=smtp_port)
            orders = Orders(await starts(booking))
            results = await _one_by_one(booking, orders, sink, bare, pace)
            results += await _while_it_hangs(booking, orders, sink, pace)
        results += await _events(stand, nats.url, pace)
    return results


async def _one_by_one(booking: Running, orders: Orders, sink: Sink, bare: chain.Chain, pace: Pace) -> list[Result]:
    """G11: from the 201 that the citizen gets to the moment that the mail server has the mail, one after the other."""
    connection = await Connection.open(booking.port)
    over_all: list[float] = []

    async def ours() -> Round:
        tally = Tally()
        until = time.perf_counter() + pace.seconds
        while time.perf_counter() < until:
            hold, order = orders.next()
            await connection.ask(hold)
            began = time.perf_counter()
            status, body = await connection.ask(order)
            booked = time.perf_counter()
            if status != 201:
                raise RuntimeError(f"{status}: {body.decode()[:300]}")
            email = json.loads(order.partition(b"\r\n\r\n")[2])["email"]
            taken = await asyncio.wait_for(sink.mail_to(email), 30)
            tally.seconds.append(taken - booked)
            over_all.append(taken - began)
        return Round(tally, pace.seconds, 0)

    async def theirs() -> Round:
        tally = Tally()
        until = time.perf_counter() + pace.seconds
        while time.perf_counter() < until:
            tally.seconds.append(await bare.pass_on())
        return Round(tally, pace.seconds, 0)

    figures = await take_turns({"mail": ours, "chain": theirs}, pace.rounds)
    connection.close()
    mail, anchor = figures["mail"], figures["chain"]
    everything: dict[str, object] = {
        "mails": mail.requests,
        "mail_p50_ms": round(mail.p50 * 1e3, 2),
        "mail_p99_ms": round(mail.p99 * 1e3, 2),
        "from_request_p50_ms": round(statistics.median(over_all) * 1e3, 2),
        "chain_p50_ms": round(anchor.p50 * 1e3, 2),
        "chain_p99_ms": round(anchor.p99 * 1e3, 2),
    }
    return [
        Result("G11", f"booked to mail handed over, p50 ({mail.p50 * 1e3:.1f} ms) to three hops of JetStream",
               "<= 2x", f"{mail.p50 / anchor.p50:.2f}x", mail.p50 <= 2 * anchor.p50, everything),
        Result("G11", f"the same, p99 ({mail.p99 * 1e3:.1f} ms)", "<= 3x", f"{mail.p99 / anchor.p99:.2f}x",
               mail.p99 <= 3 * anchor.p99),
    ]  # fmt: skip


async def _while_it_hangs(booking: Running, orders: Orders, sink: Sink, pace: Pace) -> list[Result]:
    """F14: bookings at full speed while the mail server takes 20 s for each mail, and while it takes none."""

    async def at(delay: float) -> Round:
        sink.delay = delay
        tally = await book(booking, orders, pace.seconds)
        expect(tally, 201)
        return Round(tally, pace.seconds, 0)

    figures = await take_turns({"well": lambda: at(0), "hangs": lambda: at(20)}, pace.rounds)
    well, hangs = figures["well"].p99, figures["hangs"].p99
    everything: dict[str, object] = {"well_p99_ms": round(well * 1e3, 2), "hangs_p99_ms": round(hangs * 1e3, 2)}
    return [
        Result("F14", f"booking's p99 while SMTP takes 20 s ({hangs * 1e3:.1f} ms) to SMTP well ({well * 1e3:.1f} ms)",
               "<= 1.3x", f"{hangs / well:.2f}x", hangs <= 1.3 * well, everything)
    ]  # fmt: skip


async def _events(stand: Stand, nats_url: str, pace: Pace) -> list[Result]:
    """G12: rows of the outbox until each is in an inbox, beside messages that go through one stream and no database."""
    url = await asyncio.to_thread(stand.postgres.create_database, "events", secrets.token_hex(8))
    await asyncio.to_thread(_tables, url)
    count = 4_000 if pace.rounds > 1 else 400
    ours, theirs = [], []
    for number in range(max(2, pace.rounds // 2 + 1)):
        rate, bare = await _through_everything(url, nats_url, stand.offices, count), await chain.flow(nats_url, count)
        if number:
            ours.append(rate)
            theirs.append(bare)
    rate, bare = statistics.median(ours), statistics.median(theirs)
    return [
        Result("G12", f"events per second through outbox, bus, inbox ({rate:,.0f}) to bare JetStream ({bare:,.0f})",
               ">= 0.5x", f"{rate / bare:.2f}x", rate >= 0.5 * bare,
               {"events_per_second": round(rate), "bare_per_second": round(bare)})
    ]  # fmt: skip


def _tables(url: str) -> None:
    engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in (Outbox, Inbox, IdempotentAnswer)]
    SQLModel.metadata.create_all(engine, tables=tables)
    engine.dispose()


def _now() -> datetime:
    return datetime.now(UTC)


async def _through_everything(url: str, nats_url: str, offices: Path, count: int) -> float:
    """Events per second from the committed outbox to the committed inbox of one consumer."""
    database = Database(url)
    settings = ServiceSettings(database_url=url, nats_url=nats_url, public_url="http://localhost", offices_dir=offices)
    bus = Bus("casework", settings)
    await bus.connect()
    await apply(BusAccess(nats_url, ""))
    await create(bus.client, consumer_settings(consumer("bench", StageChanged)))
    left = count
    done = asyncio.Event()

    async def handle(_: Transaction, __: Event, ___: Meta) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    async with database.transaction() as tx:
        await tx.execute("TRUNCATE inbox")
        for _ in range(count):
            await tx.publish(_EVENT)
    relay = Relay(url, bus, _now)
    consumption = Consumption("bench", Consumer(StageChanged, handle), bus, database, _now)
    started = time.perf_counter()
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(relay.run()), asyncio.create_task(consumption.run())]
    await asyncio.wait_for(done.wait(), 120)
    async with database.autocommit() as tx:
        while (await tx.rows("SELECT count(*) AS n FROM inbox"))[0]["n"] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    seconds = time.perf_counter() - started
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await bus.jetstream.delete_stream("CASEWORK")
    await bus.close()
    await database.close()
    return count / seconds
