"""The worker that counts how the office's day stands: nobody tells of that."""

import asyncio
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

import structlog

from casework import metrics
from casework.cases import store
from casework.directory import Directory
from chassis.clock import Clock
from chassis.database import Database
from contracts.offices import Office

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 30.0
#: Hashing fifty takes the loop ten milliseconds.
_AT_ONCE: Final = 50
_FIRST: Final = UUID(int=0)


async def run(directory: Directory, database: Database, clock: Clock) -> None:
    """Keep the gauges true, at most half a minute old, until cancelled."""
    while True:
        await count(directory, database, clock())
        await asyncio.sleep(EVERY_SECONDS)


async def read_trails(directory: Directory, database: Database) -> None:
    """Read all audit trails in turn, office by office, until cancelled: who changes one in the database shall show."""
    places = dict.fromkeys(directory.offices, _FIRST)
    while True:
        for office, place in places.items():
            places[office] = await read_some(database, office, place)
        await asyncio.sleep(EVERY_SECONDS)


async def read_some(database: Database, office: str, after: UUID) -> UUID:
    """Read the trails of the next cases of `office` after the case `after`; where to go on."""
    async with database.autocommit() as tx:
        found = await store.trails_after(tx, office, after, _AT_ONCE)
    for case_id, sound in found.items():
        metrics.AUDIT_TRAILS.labels("sound" if sound else "broken").inc()
        if not sound:
            log.error("audit_trail_broken", case_id=str(case_id))
    return max(found) if len(found) == _AT_ONCE else _FIRST


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
