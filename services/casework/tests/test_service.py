"""The service on a real bus: a booking that is published opens a case, and the case is announced."""

import asyncio
from typing import Any

import httpx
import pytest

from casework.app import build
from casework.settings import Settings
from chassis.bus import Bus
from contracts.base import Meta
from contracts.booking import BookingCompleted
from contracts.topology import STREAMS


@pytest.fixture
def on_the_bus(settings: Settings, nats_url: str) -> Settings:
    """The environment with a bus."""
    return settings.model_copy(update={"nats_url": nats_url})


async def test_a_booking_on_the_bus_opens_a_case(on_the_bus: Settings, samples: Any, clock: Any) -> None:
    event = samples[BookingCompleted.SUBJECT][1]
    booking = Bus("booking", on_the_bus)
    await booking.connect()
    app = build(on_the_bus, clock=clock)
    try:
        async with app.router.lifespan_context(app):
            for _ in range(2):  # the same fact under two ids, as after a restored backup
                meta = Meta.of(event, now=clock())
                await booking.publish(event.SUBJECT, event.model_dump_json().encode(), meta.headers())
            opened = await _next_of(booking, "casework.case_opened.v1")
            assert opened.startswith(b'{"office"')
            async with app.state.database.transaction() as tx:
                assert len(await tx.rows("SELECT 1 FROM case_file")) == 1
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
                assert (await client.get("/readyz")).json() == {"status": "ok"}
    finally:
        await booking.close()


async def _next_of(bus: Bus, subject: str) -> bytes:
    """The first message under `subject`, waiting for it."""
    async with asyncio.timeout(20):
        while True:
            try:
                found = await bus.jetstream.get_last_msg(STREAMS["casework"].name, subject)
            except Exception:  # noqa: BLE001 - no message yet
                await asyncio.sleep(0.05)
            else:
                assert found.data
                return found.data
