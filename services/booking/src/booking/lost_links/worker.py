"""The worker of lost links: woken when one was asked for, and by a poll that finds what was missed."""

import asyncio
from datetime import datetime
from typing import Final

import structlog

from booking.dependencies import Dependencies
from booking.lost_links import store, usecases
from booking.offices.model import BookableOffice, in_turn
from chassis.clock import Clock
from chassis.database import Database

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 5.0


async def run(deps: Dependencies, database: Database, clock: Clock, woken: asyncio.Event) -> None:
    """Mails lost links until cancelled. Several processes may: each takes other rows."""
    while True:
        woken.clear()
        await mail(deps, database, clock())
        try:
            await asyncio.wait_for(woken.wait(), POLL_SECONDS)
        except TimeoutError:
            continue


async def mail(deps: Dependencies, database: Database, now: datetime) -> None:
    """The same once, for all offices where somebody has asked."""
    async with database.autocommit() as tx:
        asked = await store.offices(tx)

    async def of(bookable: BookableOffice) -> None:
        mailed = await usecases.mail_lost(deps, database, bookable, now)
        if mailed:
            log.info("links_mailed_anew", office=bookable.office.slug, links=mailed)

    await in_turn(filter(None, map(deps.offices.get, asked)), of)
