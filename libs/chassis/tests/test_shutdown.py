"""A service ends when it is told to, even if a client library swallows the first cancellation."""

import asyncio
from pathlib import Path

import pytest

from chassis.consumer import Consumer, Consumption
from chassis.database import Transaction
from chassis.service import create_app
from chassis.settings import ServiceSettings
from contracts.base import Meta
from contracts.booking import BookingCompleted


async def ignore(tx: Transaction, event: BookingCompleted, meta: Meta) -> None:
    """No effect."""


async def test_a_consumer_that_swallows_its_cancellation_is_cancelled_again(
    database_url: str, nats_url: str, offices_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = asyncio.Event()

    async def stubborn(self: Consumption) -> None:
        running.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    monkeypatch.setattr(Consumption, "run", stubborn)
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text("from chassis.migrations import run\n\nrun()\n")
    settings = ServiceSettings.model_validate(
        {
            "database_url": database_url,
            "nats_url": nats_url,
            "public_url": "http://localhost",
            "offices_dir": offices_dir,
        }
    )
    app = create_app(
        "notify",
        settings,
        title="Test",
        migrations_dir=tmp_path,
        routers=[],
        consumers=[Consumer(BookingCompleted, ignore)],
    )
    lifespan = app.router.lifespan_context(app)
    await lifespan.__aenter__()
    await asyncio.wait_for(running.wait(), 10)
    ended = asyncio.create_task(lifespan.__aexit__(None, None, None))
    done, _ = await asyncio.wait([ended], timeout=5)
    assert done, "the service hangs at its end"
