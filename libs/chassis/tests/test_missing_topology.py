"""A service whose streams or consumers are missing says so, waits, and goes on by itself; it may make none."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import structlog
from bus_users import PASSWORDS, guarded, operator, signed_in
from fastapi import FastAPI
from structlog.testing import capture_logs

from chassis.consumer import Consumer, Poison
from chassis.database import Database, Transaction
from chassis.service import create_app
from chassis.settings import ServiceSettings
from contracts.base import Event, Meta
from contracts.booking import BookingCancelled
from contracts.samples import load
from contracts.topology import consumer, dead_letters
from schalter.bus import apply, connected
from schalter.embedded import Nats

STAGE = load()["casework.stage_changed.v1"][1]
CANCELLED = load()["booking.cancelled.v1"][1]
CONSUMER = consumer("casework", BookingCancelled).name


@pytest.fixture
def server(servers_dir: Path, tmp_path: Path) -> Iterator[Nats]:
    with guarded(servers_dir / f"missing-{tmp_path.name}", applied=False) as server:
        yield server


def casework(server: Nats, database: Database, directory: Path, offices_dir: Path, heard: list[UUID]) -> FastAPI:
    """A service under casework's name and password, which buries what "system:bury" does."""

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        heard.append(meta.id)
        if meta.actor == "system:bury":
            raise Poison("cannot be")

    (directory / "versions").mkdir(exist_ok=True)
    (directory / "env.py").write_text("from chassis.migrations import run\n\nrun()\n")
    (directory / "versions" / "0001_none.py").write_text(
        "revision, down_revision = '0001', None\ndef upgrade(): pass\n"
    )
    settings = ServiceSettings(
        database_url=database.url,
        nats_url=server.url,
        nats_user="casework",
        nats_password=PASSWORDS["casework"],
        public_url="http://localhost",
        offices_dir=offices_dir,
    )
    return create_app(
        "casework",
        settings,
        title="Test",
        migrations_dir=directory,
        routers=[],
        consumers=[Consumer(BookingCancelled, handle)],
    )


async def readiness(app: FastAPI) -> dict[str, str]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside") as client:
        answer = (await client.get("/readyz")).json()
    return dict(answer.get("failing", {}))


async def told(app: FastAPI, failing: dict[str, str]) -> None:
    async with asyncio.timeout(20):
        while await readiness(app) != failing:
            await asyncio.sleep(0.02)


async def stored(server: Nats, stream: str, count: int) -> None:
    async with connected(operator(server)) as client, asyncio.timeout(20):
        while (await client.jetstream().stream_info(stream)).state.messages != count:
            await asyncio.sleep(0.02)


async def cancelled(server: Nats, actor: str | None = None) -> UUID:
    """A booking is cancelled; the event's id."""
    meta = Meta.of(CANCELLED, now=datetime.now(UTC), actor=actor)
    async with signed_in(server, "booking") as (client, _):
        await client.jetstream().publish(
            CANCELLED.SUBJECT, CANCELLED.model_dump_json().encode(), headers=meta.headers()
        )
    return meta.id


async def test_a_service_waits_for_what_is_not_there_and_goes_on_by_itself(
    server: Nats, database: Database, tmp_path: Path, offices_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[UUID] = []
    for module in ("bus", "outbox", "service"):
        monkeypatch.setattr(f"chassis.{module}.log", structlog.get_logger())  # one that no test has used is captured
    app = casework(server, database, tmp_path, offices_dir, heard)
    with capture_logs() as lines:
        async with app.router.lifespan_context(app):
            await told(app, {"topology": f"missing: CASEWORK, {CONSUMER}"})
            async with app.state.database.transaction() as tx:
                await tx.publish(STAGE)
            await asyncio.sleep(2)
            assert await readiness(app) == {"topology": f"missing: CASEWORK, {CONSUMER}"}

            await apply(operator(server))
            await told(app, {})
            await stored(server, "CASEWORK", 1)
            ids = [await cancelled(server), await cancelled(server, "system:bury")]
            await stored(server, dead_letters("casework").name, 1)
            assert heard == ids

            # While it runs: the stream is lost, with all who listen to it, and made again.
            async with connected(operator(server)) as client:
                for stream in ("BOOKING", "CASEWORK"):
                    await client.jetstream().delete_stream(stream)
            async with app.state.database.transaction() as tx:
                await tx.publish(STAGE)
            await told(app, {"topology": f"missing: CASEWORK, {CONSUMER}"})
            await apply(operator(server))
            await told(app, {})
            await stored(server, "CASEWORK", 1)
            ids.append(await cancelled(server))
            async with asyncio.timeout(20):
                while heard != ids:
                    await asyncio.sleep(0.02)
    said = sorted(line["missing"] for line in lines if line["event"] == "missing_on_the_bus")
    assert said == ["CASEWORK", "CASEWORK", CONSUMER, CONSUMER]
    assert sum(line["event"] == "waiting_for_the_bus" for line in lines) <= 2
    assert not [line for line in lines if line["event"] == "worker_restarting"]
