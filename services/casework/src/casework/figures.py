"""The worker that counts how the office's day stands: nobody tells of that."""

import asyncio
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Final

from casework import metrics
from casework.cases import store
from casework.directory import Directory
from chassis.clock import Clock
from chassis.database import Database
from contracts.offices import Office

EVERY_SECONDS: Final = 30.0


async def run(directory: Directory, database: Database, clock: Clock) -> None:
    """Keep the gauges true, at most half a minute old, until cancelled."""
    while True:
        await count(directory, database, clock())
        await asyncio.sleep(EVERY_SECONDS)


async def count(directory: Directory, database: Database, now: datetime) -> None:
    """Count once."""
    async with database.autocommit() as tx:
        for office in directory.offices.values():
            day = _day(office, now)
            _tell(office.slug, await store.how_many(tx, office.slug, *day))
        metrics.PARKED.set(await store.parked(tx))


def _day(office: Office, now: datetime) -> tuple[datetime, datetime]:
    day = now.astimezone(office.zone).date()
    since, until = (datetime.combine(each, time.min, office.zone) for each in (day, day + timedelta(days=1)))
    return since, until


def _tell(office: str, counted: dict[tuple[str, str], int]) -> None:
    states, stages = Counter[str](), Counter[str]()
    for (state, stage), cases in counted.items():
        states[state] += cases
        if state == "in_progress":
            stages[stage] += cases
    for state in metrics.STATES:
        metrics.CASES.labels(office, state).set(states[state])
    for stage in metrics.STAGES:
        metrics.IN_STAGE.labels(office, stage).set(stages[stage])
