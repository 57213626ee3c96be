"""What waits in the outbox is counted, however much it is and whoever is away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis import metrics
from chassis.backlog import Backlog
from chassis.consumer import Consumer
from chassis.database import Database, Transaction
from chassis.vitals import ConsumerFigures
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load

SAMPLE = load()["casework.stage_changed.v1"][1]
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def told() -> tuple[float, float]:
    return metrics.OUTBOX_PENDING._value.get(), metrics.OUTBOX_OLDEST_SECONDS._value.get()


@pytest.mark.parametrize("waiting", [0, 1, 700])
async def test_all_that_waits_is_counted_and_the_oldest_timed(database: Database, waiting: int) -> None:
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM outbox")
        for _ in range(waiting):
            await tx.publish(SAMPLE)
        await tx.publish(SAMPLE)  # one that has reached the bus long ago
        await tx.execute("UPDATE outbox SET created_at = :now", now=NOW - timedelta(minutes=5))
        last = "(SELECT max(id) FROM outbox)"
        await tx.execute(
            f"UPDATE outbox SET published_at = :now, created_at = :old WHERE id = {last}",  # noqa: S608 - a constant
            now=NOW,
            old=NOW - timedelta(days=1),
        )
    await Backlog(database, lambda: NOW).count()
    assert told() == (waiting, 300.0 if waiting else 0.0)


def test_every_outcome_of_a_consumer_is_there_before_the_first_message(bus: Any) -> None:
    async def handle(_: Transaction, __: Event, ___: Meta) -> None: ...

    ConsumerFigures("counted", [Consumer(StageChanged, handle)], bus)
    series = {
        sample.labels["outcome"]: sample.value
        for metric in metrics.CONSUMED.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["consumer"].startswith("counted-")
    }
    assert series == {"done": 0, "duplicate": 0, "retried": 0, "dead": 0}
